// Beside a picture: who is in it, the likeliest names of the chosen box, and what the visitor says about it.

import { make, percent } from "./elements.js";
import { nameOf } from "./stage.js";
import { say } from "./words.js";

const MARKS = { sure: "✓", maybe: "~", unknown: "?" };

export class Panel {
  // handlers: chosen(box), said(box, name or null), undone(box), removed(box), send(), consent(boolean)
  constructor(picture, names, handlers) {
    this.picture = picture; // {boxes, chosen, consent, sending, message, corrections}
    this.names = names; // [{name, colour}]
    this.colours = new Map(names.map(({ name, colour }) => [name, colour]));
    this.handlers = handlers;
    this.element = make("div", { class: "panel" });
  }

  show() {
    const { boxes, chosen } = this.picture;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.element.replaceChildren(
      boxes.length ? this.#list(boxes, chosen) : make("p", { class: "empty" }, say("nobodyFound")),
      ...(chosen ? [this.#answers(chosen)] : []),
      ...(this.picture.corrections || this.picture.message ? [this.#send()] : []),
    );
    if (focused) this.element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #list(boxes, chosen) {
    const rows = boxes.map((box) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            class: "person",
            "data-key": `person ${box.id}`,
            "aria-expanded": String(box === chosen),
            onclick: () => this.handlers.chosen(box === chosen ? null : box),
          },
          this.#chip(nameOf(box)),
          make("span", { class: "name" }, nameOf(box)),
          this.#word(box),
        ),
      ),
    );
    return make("ul", { class: "people" }, ...rows);
  }

  #chip(name) {
    const chip = make("i", { class: "chip", "aria-hidden": "true" });
    const colour = this.colours.get(name);
    if (colour) chip.style.setProperty("--colour", colour);
    return chip;
  }

  #word(box) {
    if (box.said !== undefined) return make("span", { class: "word sure" }, say("youSaid"));
    if (!box.answers) return make("span", { class: "word" }, say("looking"));
    return make(
      "span",
      { class: `word ${box.verdict}` },
      make("span", { "aria-hidden": "true" }, `${MARKS[box.verdict]} `),
      `${box.verdict === "unknown" ? box.answers[0].name : say(box.verdict)} · ${percent(box.answers[0].probability)} %`,
    );
  }

  #answers(box) {
    const title = make("h3", {}, say("who"));
    const group = make("section", { class: "answers", "aria-label": say("who") }, title);
    for (const { name, probability } of box.answers ?? []) group.append(this.#bar(box, name, probability));
    const another = make("input", {
      type: "text",
      maxlength: "64",
      autocomplete: "off",
      list: "known-names",
      placeholder: say("another"),
      "aria-label": say("another"),
      "data-key": "another",
    });
    const typed = (event) => {
      event.preventDefault();
      const name = another.value.trim();
      if (name) this.handlers.said(box, name);
    };
    const known = make("datalist", { id: "known-names" }, ...this.names.map(({ name }) => make("option", { value: name })));
    group.append(
      make("form", { class: "another", onsubmit: typed }, another, known, make("button", { type: "submit" }, say("itIs"))),
    );
    const actions = make("div", { class: "choices" });
    if (box.said !== undefined) actions.append(this.#action("undo", () => this.handlers.undone(box)));
    if (box.drawn) actions.append(this.#action("remove", () => this.handlers.removed(box)));
    else if (box.said !== null) actions.append(this.#action("notFace", () => this.handlers.said(box, null)));
    group.append(actions);
    if (box.answers) title.after(make("p", { class: "note" }, say("wrong")));
    return group;
  }

  #action(key, action) {
    return make("button", { type: "button", "data-key": key, onclick: action }, say(key));
  }

  #bar(box, name, probability) {
    const bar = make(
      "button",
      {
        type: "button",
        class: "bar",
        "data-key": `bar ${name}`,
        "aria-label": say("nameLabel", { name, percent: percent(probability) }),
        "aria-pressed": String(box.said === name),
        onclick: () => this.handlers.said(box, name),
      },
      make("span", { class: "fill" }),
      make("span", { class: "name" }, name),
      make("span", { class: "number" }, `${percent(probability)} %`),
    );
    bar.firstChild.style.width = `${100 * probability}%`;
    const colour = this.colours.get(name);
    if (colour) bar.style.setProperty("--colour", colour);
    return bar;
  }

  #send() {
    const { corrections, consent, sending, message, failed } = this.picture;
    const strip = make("section", { class: "send" });
    if (corrections) {
      const tick = make("input", {
        type: "checkbox",
        checked: consent,
        "data-key": "consent",
        onchange: (event) => this.handlers.consent(event.target.checked),
      });
      strip.append(make("label", { class: "consent" }, tick, make("span", {}, say("consent"))));
      strip.append(make("p", { class: "note" }, say("learn")));
      const label = sending ? say("sending") : corrections === 1 ? say("send") : say("sendMany", { count: corrections });
      strip.append(
        make("button", { type: "button", class: "main", "data-key": "send", disabled: sending, onclick: () => this.handlers.send() }, label),
      );
    }
    if (message) strip.append(make("p", { class: failed ? "message error" : "message" }, message));
    return strip;
  }
}
