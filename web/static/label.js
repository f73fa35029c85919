// The page for labelling: one question after the other, answered with single keys.

import { make, percent, tell } from "./elements.js";
import { Stage } from "./stage.js";
import { chooseLanguage, currentLanguage, say } from "./words.js";

const HARDLY = 0.01; // mAP that more pictures bring, with luck, where they are not worth it
const one = (id) => document.getElementById(id);
const who = remembered("who", () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join(""));

let asked = null; // what the server asks
let stages = []; // of a sheet
let chosen = null; // {stage, box} of a sheet
let history = []; // of a sheet, before each change
let busy = false;
const told = new Set(); // pictures that are left out, a sentence each
let boxes = 0; // counts them, for their ids

function remembered(key, make) {
  try {
    const store = key === "who" ? sessionStorage : localStorage; // two tabs are two people
    const value = store.getItem(key) ?? make();
    store.setItem(key, value);
    return value;
  } catch {
    return make(); // a private window keeps nothing
  }
}

// Sends, until the server has heard it: an answer that comes twice counts once.
async function send(path, body) {
  if (busy) return;
  busy = true;
  try {
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ who, ...body }) };
    let response = null;
    for (let wait = 500; !response; wait = Math.min(2 * wait, 8000)) {
      response = await fetch(path, request).catch(() => null);
      if (response) break;
      tell(say("error_network"), { error: true });
      await new Promise((done) => setTimeout(done, wait));
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) {
      show(answer);
      return;
    }
    tell(answer.error ?? say("error_500"), { error: true });
    if (response.status === 409 && path !== "/api/undo" && path !== "/api/question") {
      const again = await fetch("/api/question", { ...request, body: JSON.stringify({ who }) }).catch(() => null);
      if (again?.ok) show(await again.json(), { keep: true });
    }
  } finally {
    busy = false;
  }
}

function show(answer, { keep = false } = {}) {
  asked = answer;
  stages = [];
  chosen = null;
  history = [];
  const lost = answer.problems.filter((problem) => !told.has(problem));
  for (const problem of lost) told.add(problem);
  const changed = answer.changed.length ? [say("labelChanged", { names: answer.changed.join(", ") })] : [];
  if (!keep) tell([...changed, ...lost].join(" · "), { error: changed.length + lost.length > 0 });
  render();
}

function render() {
  const { kind } = asked;
  const question = one("question");
  question.className = kind;
  if (kind === "group") question.replaceChildren(...asked.tracks.map(track));
  else if (kind === "sheet") {
    stages = asked.pictures.map(stageOf);
    question.replaceChildren(...stages.map((stage) => stage.figure));
  } else question.replaceChildren();
  showWords();
  question.focus({ preventScroll: true });
  document.body.dataset.asked = asked.key ?? "";
}

// Nobody says that something is right which was not to be seen yet.
const seen = () => [...one("question").querySelectorAll("img")].every((image) => image.loading === "lazy" || image.naturalWidth > 0);

function showWords() {
  const { progress, kind } = asked;
  one("done").value = progress.done / Math.max(1, progress.pictures);
  one("left").textContent = say("labelLeft", { done: progress.done, pictures: progress.pictures, minutes: Math.max(1, Math.round(progress.minutes)) });
  one("learning").textContent = learningWords(asked.learning);
  const nothing = progress.done < progress.pictures ? "labelOthers" : "labelNothing";
  one("asked").textContent = say({ group: "labelGroup", sheet: "labelSheet", nothing }[kind]);
  document.title = one("asked").textContent;
  one("names").replaceChildren(...asked.names.map((name) => make("option", { value: name })));
  one("naming-who").textContent = say("who");
  one("keys").replaceChildren(...keysOf(kind));
  for (const stage of stages) stage.show();
  showChoices();
}

// What a detector that learns meanwhile has reached, and what more labels would bring.
function learningWords({ busy, next, failed, log, pictures, map, interval, more, gain, best } = {}) {
  if (next === undefined) return "";
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
  const said = [busy ? say("learnBusy") : failed ? say("learnFailed", { log }) : pictures ? "" : say("learnWaits", { next })];
  if (pictures) said.push(say("learnKnows", { pictures, map: map.toFixed(2), low: interval[0].toFixed(2), high: interval[1].toFixed(2) }));
  if (gain) {
    said.push(say("learnGain", { more, gain: signed(gain[0]), deviation: gain[1].toFixed(3) }));
    if (best) said.push(say("learnBest", { more, name: best[0], gain: signed(best[1]), deviation: best[2].toFixed(3) }));
    if (gain[0] + gain[1] < HARDLY) said.push(say("learnEnough"));
  }
  return said.filter(Boolean).join(" ");
}

function keysOf(kind) {
  const keys = { group: ["Space", "1-5", "A-Z, Enter", "0", "Tab", "Delete", "→", "Ctrl Z"], sheet: ["Space", "Tab", "1-5", "A-Z, Enter", "0", "Delete", "→", "Ctrl Z"], nothing: ["→", "Ctrl Z"] }[kind];
  return keys.flatMap((key) => [make("kbd", {}, key), `${say(`label_${kind}_${key}`)}   `]);
}

// Heads of one person in pictures that follow one another; pressed: it is not of the group.
function track({ crop, count }, number) {
  const badge = count > 1 ? make("span", {}, `× ${count}`) : null;
  const toggle = (event) => {
    const button = event.currentTarget;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  };
  const label = say("labelTrack", { number: number + 1, count });
  return make("button", { type: "button", class: "track", "aria-pressed": "false", "aria-label": label, onclick: toggle }, make("img", { src: crop, alt: "", loading: "lazy" }), badge);
}

function stageOf(picture) {
  const colours = new Map(Object.entries(asked.colours));
  const state = { width: picture.width, height: picture.height, chosen: null, boxes: picture.boxes.map(boxOf) };
  const changed = () => {
    stage.show();
    showChoices();
  };
  const stage = new Stage(state, colours, {
    chosen: (box) => choose(stage, box),
    drawn: (corners) => {
      keepHistory();
      const box = boxOf({ box: corners, name: "", named: false, choices: [] });
      state.boxes.push(box);
      choose(stage, box);
      typeName("");
    },
    changed: () => {},
    removed: (box) => {
      keepHistory();
      state.boxes.splice(state.boxes.indexOf(box), 1);
      chosen = null;
      changed();
      one("question").focus({ preventScroll: true });
    },
  });
  stage.image.src = picture.image;
  const larger = make("button", { type: "button", tabindex: "-1", onclick: () => stage.figure.classList.toggle("large") }, picture.name);
  stage.figure = make("figure", {}, stage.element, make("figcaption", {}, larger));
  stage.layer.addEventListener("focusin", (event) => {
    const box = state.boxes.find((some) => String(some.id) === event.target.dataset.box);
    if (box && state.chosen !== box) choose(stage, box);
  });
  stage.layer.addEventListener("pointerdown", keepHistory, true);
  stage.state = state;
  stage.show();
  return stage;
}

// What the stage shows: a name that a person gave, a likely one, or nobody's.
function boxOf({ box, name, named, choices, difficult = false }) {
  const answers = choices.length ? choices.map((some) => ({ ...some, name: some.name || say("labelNobody") })) : [{ name: say("labelNobody"), probability: 0 }];
  return { id: ++boxes, box, said: named ? name : undefined, name, answers, verdict: name ? "maybe" : "unknown", choices, difficult };
}

function choose(stage, box) {
  for (const other of stages)
    if (other.state.chosen && other !== stage) {
      other.state.chosen = null;
      other.show();
    }
  chosen = box && { stage, box };
  stage.state.chosen = box;
  stage.show();
  if (box) stage.focus(box.id);
  showChoices();
}

function choicesNow() {
  if (asked.kind === "group") return asked.choices;
  if (!chosen) return [];
  const known = chosen.box.choices.length ? chosen.box.choices : asked.names.map((name) => ({ name, probability: 0 }));
  return known.filter(({ name }) => name).slice(0, 5);
}

// The names that have digits, from 1 on; nobody has 0.
const namedNow = () => choicesNow().flatMap(({ name }) => name || []);

function showChoices() {
  const named = namedNow();
  const likely = choicesNow().map(({ name, probability }) => {
    const chip = make("i", { class: "chip" });
    if (asked.colours[name]) chip.style.setProperty("--colour", asked.colours[name]);
    const shown = percent(probability) ? ` ${percent(probability)} %` : "";
    return make("button", { type: "button", tabindex: "-1", onclick: () => giveName(name) }, make("kbd", {}, name ? String(named.indexOf(name) + 1) : "0"), name ? chip : null, (name || say("labelNobody")) + shown);
  });
  const more = asked.kind === "group" || chosen ? [make("button", { type: "button", tabindex: "-1", onclick: () => typeName("") }, make("kbd", {}, "A-Z"), say("another"))] : [];
  const right = asked.kind === "nothing" ? [] : [make("button", { type: "button", class: "main", tabindex: "-1", onclick: confirm }, say("labelRight"))];
  const later = [make("button", { type: "button", tabindex: "-1", onclick: putOff }, say("labelLater"))];
  one("choices").replaceChildren(...right, ...likely, ...more, ...later, make("button", { type: "button", tabindex: "-1", onclick: undo }, say("undo")));
}

const putOff = () => send("/api/question", asked.key ? { key: asked.key } : {});

function giveName(name) {
  if (asked.kind === "group") {
    const tracks = [...one("question").querySelectorAll(".track")];
    const apart = tracks.flatMap((some, index) => (some.getAttribute("aria-pressed") === "true" ? [index] : []));
    send("/api/group", { key: asked.key, name, apart });
  } else if (chosen) {
    keepHistory();
    chosen.box.name = name;
    chosen.box.said = name || undefined;
    chosen.box.verdict = name ? "sure" : "unknown";
    if (!name) chosen.box.answers = [{ name: say("labelNobody"), probability: 0 }];
    if (name && !asked.names.includes(name)) asked.names.push(name);
    chosen.stage.show();
    showChoices();
  }
}

function confirm() {
  if (busy) return;
  if (!seen()) {
    tell(say("looking"));
    return;
  }
  if (asked.kind === "group") {
    const likely = asked.choices[0];
    if (likely) giveName(likely.name);
    else typeName("");
  } else if (asked.kind === "sheet") {
    const pictures = stages.map(({ state }) => state.boxes.map(({ box, name, difficult }) => ({ box, name, difficult })));
    send("/api/sheet", { key: asked.key, pictures });
  }
}

function typeName(first) {
  if (asked.kind === "nothing" || (asked.kind === "sheet" && !chosen)) return;
  one("name").value = first;
  one("naming").showModal();
  one("name").focus();
}

function keepHistory() {
  const now = JSON.stringify(stages.map(({ state }) => state.boxes));
  if (history.at(-1) !== now) history.push(now);
}

function undo() {
  const now = JSON.stringify(stages.map(({ state }) => state.boxes));
  while (history.length && history.at(-1) === now) history.pop();
  const before = history.pop();
  if (before === undefined) {
    send("/api/undo", {});
    return;
  }
  for (const [index, some] of JSON.parse(before).entries()) {
    stages[index].state.boxes = some;
    stages[index].state.chosen = null;
    stages[index].show();
  }
  chosen = null;
  showChoices();
}

function key(event) {
  if (!asked || one("naming").open || event.isComposing) return;
  const handled = () => {
    event.preventDefault();
    event.stopPropagation();
  };
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") return void (handled(), undo());
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const moves = event.key === "Tab" || (chosen && event.key.startsWith("Arrow"));
  if (event.repeat && !moves) return void handled(); // a key that is held is one answer
  const onTrack = document.activeElement?.classList.contains("track");
  if (event.key === " ") handled(), confirm();
  else if (event.key === "Enter") handled(), typeName("");
  else if (event.key === "Process") typeName(""); // what an input method composes goes into the field
  else if (event.key === "Delete" || event.key === "Backspace") {
    if (onTrack) handled(), document.activeElement.click();
  } else if (event.key === "ArrowRight" && !chosen) handled(), putOff();
  else if (event.key === "Escape" && chosen) handled(), choose(chosen.stage, null), one("question").focus({ preventScroll: true });
  else if (event.key === "0") handled(), giveName("");
  else if (/^[1-5]$/.test(event.key)) {
    handled();
    const name = namedNow()[Number(event.key) - 1];
    if (name !== undefined) giveName(name);
  } else if (/^\p{L}$/u.test(event.key)) handled(), typeName(event.key);
}

function showLanguage(language) {
  chooseLanguage(language);
  one("language").textContent = language === "zh" ? "English" : "中文";
  one("language").lang = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem("language", language);
  } catch {
    // a private window keeps nothing
  }
  if (asked) showWords();
}

one("naming").addEventListener("submit", (event) => {
  event.preventDefault();
  one("naming").close();
  const name = one("name").value.trim();
  if (name) giveName(name);
  if (chosen) chosen.stage.focus(chosen.box.id);
  else one("question").focus({ preventScroll: true });
});
document.addEventListener("keydown", key, true);
one("language").addEventListener("click", () => showLanguage(currentLanguage() === "zh" ? "en" : "zh"));
showLanguage(remembered("language", () => (navigator.language.startsWith("zh") ? "zh" : "en")));
await send("/api/question", {});
document.body.dataset.ready = "yes";
