// The page: opens pictures that are dropped, pasted, photographed or chosen, and remembers language and theme.

import { Card, explain } from "./card.js";
import { bringIntoView, make, tell } from "./elements.js";
import { Finder } from "./finder.js";
import { about } from "./server.js";
import { chooseLanguage, currentLanguage, say } from "./words.js";

const cards = [];
const waiting = [];
let finder = null;

const one = (id) => document.getElementById(id);

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // a private window keeps nothing
  }
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function showLanguage(language) {
  chooseLanguage(language);
  const other = language === "zh" ? "en" : "zh";
  one("language").textContent = other === "zh" ? "中文" : "English";
  one("language").lang = other;
  for (const card of cards) card.show();
  if (finder) showWhere();
}

function showTheme(theme) {
  document.documentElement.dataset.theme = theme ?? "";
}

async function open(files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") || !file.type);
  if (pictures.length < files.length) tell(say("error_415"), { error: true });
  if (!finder) {
    waiting.push(...pictures);
    return;
  }
  for (const file of pictures) {
    const card = new Card(file, finder, file.name || say("pictures"));
    card.onclosed = () => cards.splice(cards.indexOf(card), 1);
    cards.push(card);
    one("pictures").prepend(card.element);
    if (file.size > finder.about.max_bytes && finder.where === "server") tell(say("error_413"), { error: true });
    await card.look();
  }
  if (pictures.length) bringIntoView(cards.at(-1).element, "start");
}

function listen() {
  for (const button of document.querySelectorAll("[data-opens]"))
    button.addEventListener("click", () => one(button.dataset.opens).click());
  for (const id of ["choose", "photograph"])
    one(id).addEventListener("change", (event) => {
      open(event.target.files);
      event.target.value = "";
    });
  document.addEventListener("paste", (event) => event.clipboardData.files.length && open(event.clipboardData.files));
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    open(event.dataTransfer.files);
  });
  one("language").addEventListener("click", () => {
    const language = currentLanguage() === "zh" ? "en" : "zh";
    remember("language", language);
    showLanguage(language);
  });
  one("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    remember("theme", dark ? "light" : "dark");
    showTheme(dark ? "light" : "dark");
  });
  for (const radio of document.querySelectorAll("[name=where]"))
    radio.addEventListener("change", () => {
      remember("where", radio.value);
      useWhere(radio.value);
    });
}

// Says why the browser cannot be chosen, where it cannot.
function showWhere() {
  const reason = finder.about.browser_reason;
  const failed = { off: "noBrowser_off", "no runtime": "noBrowser_runtime", "too large": "noBrowser_large" }[reason];
  const note = failed ?? (finder.canUseBrowser && !finder.broken ? null : "noBrowser_failed");
  one("where-note").hidden = note === null;
  one("where-note").textContent = note ? say(note) : "";
  document.querySelector("[name=where][value=browser]").disabled = note !== null;
  document.querySelector(`[name=where][value=${finder.where}]`).checked = true;
}

async function useWhere(where) {
  finder.where = where;
  if (where === "browser") {
    tell(say("loading"));
    try {
      await finder.prepareBrowser();
      tell("");
    } catch {
      finder.broken = true;
      finder.where = "server";
      tell(say("noBrowser_failed"), { error: true });
    }
  }
  showWhere();
}

function showExamples(addresses) {
  one("examples").hidden = addresses.length === 0;
  const thumbnails = addresses.map((address, index) => {
    const show = async () => {
      const blob = await (await fetch(address)).blob();
      open([new File([blob], address.split("/").at(-1), { type: blob.type })]);
    };
    const picture = make("img", { src: address, alt: say("example", { number: index + 1 }), loading: "lazy" });
    return make("button", { type: "button", onclick: show }, picture);
  });
  document.querySelector(".thumbnails").replaceChildren(...thumbnails);
}

function showNames(names) {
  const items = names.map(({ name, colour }) => {
    const chip = make("i", { class: "chip", "aria-hidden": "true" });
    chip.style.setProperty("--colour", colour);
    return make("li", {}, chip, name);
  });
  one("names").replaceChildren(...items);
}

async function start() {
  showTheme(recall("theme"));
  document.body.classList.toggle("touch", navigator.maxTouchPoints > 0);
  showLanguage(recall("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  listen();
  try {
    finder = new Finder(await about());
  } catch (error) {
    tell(explain(error), { error: true });
    return;
  }
  showExamples(finder.about.examples);
  showNames(finder.about.names);
  // The visitor's picture stays at home wherever that is possible.
  await useWhere(finder.canUseBrowser && recall("where") !== "server" ? "browser" : "server");
  document.body.dataset.ready = "yes";
  open(waiting.splice(0));
}

start();
