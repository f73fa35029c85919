// One opened picture: its stage, its panel, and what the visitor has said about it.

import { bringIntoView, make, tell } from "./elements.js";
import { Panel } from "./panel.js";
import { ServerError, report } from "./server.js";
import { Stage } from "./stage.js";
import { say } from "./words.js";

// The sentence for an error, in the visitor's language.
export function explain(error) {
  if (!(error instanceof ServerError)) return say("noBrowser_failed");
  const known = [401, 413, 415, 422, 429, 503].includes(error.status);
  if (error.status === 0) return say("error_network");
  return say(known ? `error_${error.status}` : "error_500", { sentence: error.message });
}

export class Card {
  constructor(file, finder, name) {
    this.file = file;
    this.finder = finder;
    this.name = name;
    this.boxes = [];
    this.chosen = null;
    this.consent = false;
    this.lastId = 0;
    const names = finder.about.names;
    this.panel = new Panel(this, names, {
      chosen: (box) => this.choose(box),
      said: (box, name) => this.say(box, name),
      undone: (box) => this.undo(box),
      removed: (box) => this.remove(box),
      send: () => this.send(),
      consent: (given) => (this.consent = given),
    });
    this.stage = new Stage(this, this.panel.colours, {
      chosen: (box) => this.choose(box, { scroll: true }),
      drawn: (corners) => this.add(corners),
      changed: (box) => this.change(box),
      removed: (box) => (box.drawn ? this.remove(box) : this.say(box, null)),
    });
    this.status = make("p", { class: "status" });
    this.title = make("h2", {}, name);
    this.drawButton = make("button", { type: "button", class: "draw", "aria-pressed": "false", onclick: (event) => this.#toggleDrawing(event.detail === 0) });
    this.closeButton = make("button", { type: "button", class: "close", onclick: () => this.close() }, "×");
    this.hint = make("p", { class: "note hint" });
    const head = make("div", { class: "head" }, make("div", {}, this.title, this.status), this.drawButton, this.closeButton);
    this.element = make("article", {}, head, make("div", { class: "body" }, make("div", { class: "left" }, this.stage.element, this.hint), this.panel.element));
    this.address = URL.createObjectURL(file);
    this.stage.image.src = this.address;
    this.show();
  }

  // Differences between what the network said and what the visitor says.
  get corrections() {
    if (this.sentState === this.#state()) return 0;
    return this.boxes.filter((box) => box.said !== undefined || box.drawn || box.moved).length;
  }

  async look() {
    this.element.setAttribute("aria-busy", "true");
    this.status.textContent = say("looking");
    try {
      const { width, height, boxes, milliseconds, where, answers } = await this.finder.look(this.file);
      Object.assign(this, { width, height, milliseconds, where, answers });
      this.boxes = boxes.map((box) => ({ ...box, id: ++this.lastId, was: box.answers[0].name }));
      this.show();
      tell(`${this.name}: ${this.#summary()}`);
    } catch (error) {
      this.failure = error;
      this.show();
      tell(explain(error), { error: true });
    }
    this.element.removeAttribute("aria-busy");
  }

  // Shows everything anew, in the language chosen now.
  show() {
    this.element.setAttribute("aria-label", say("picture", { name: this.name }));
    this.closeButton.setAttribute("aria-label", say("close", { name: this.name }));
    this.drawButton.textContent = say(this.stage.drawMode ? "drawing" : "draw");
    this.drawButton.hidden = !this.width;
    this.hint.textContent = this.width ? say(navigator.maxTouchPoints ? "drawHintTouch" : "drawHint") : "";
    this.status.classList.toggle("error", Boolean(this.failure));
    if (this.failure) this.status.textContent = explain(this.failure);
    else if (this.width) this.status.textContent = this.#summary();
    this.panel.element.hidden = !this.width;
    this.stage.show();
    this.panel.show();
  }

  choose(box, { scroll = false } = {}) {
    this.chosen = box;
    this.show();
    // On a phone the answers stand below the picture.
    if (box && scroll && matchMedia("(max-width: 760px)").matches)
      bringIntoView(this.panel.element, "nearest");
  }

  add(corners) {
    const box = { id: ++this.lastId, box: corners, drawn: true, was: null };
    this.boxes.push(box);
    this.#setDrawing(false);
    this.choose(box);
    this.stage.focus(box.id);
    this.#ask(box);
  }

  change(box) {
    box.moved = true;
    clearTimeout(box.timer);
    box.timer = setTimeout(() => this.#ask(box), 250);
  }

  say(box, name) {
    box.said = name;
    this.message = "";
    this.show();
    tell(say("saidName", { name: name ?? say("notFace") }));
  }

  undo(box) {
    delete box.said;
    this.show();
  }

  remove(box) {
    this.boxes = this.boxes.filter((other) => other !== box);
    this.choose(null);
    tell(say("removed"));
    (this.element.querySelector(".box") ?? this.drawButton).focus({ preventScroll: true });
  }

  async send() {
    if (!this.consent) {
      this.#answer(say("consentFirst"), true);
      return;
    }
    this.sending = true;
    this.show();
    const state = this.#state();
    try {
      const { new: isNew } = await report(this.file, { consent: true, boxes: this.#report() });
      this.sentState = state;
      this.#answer(say(isNew ? "sent" : "sentBefore"), false);
    } catch (error) {
      this.#answer(explain(error), true);
    }
  }

  close() {
    URL.revokeObjectURL(this.address);
    this.element.remove();
    this.onclosed?.(this);
  }

  #answer(message, failed) {
    Object.assign(this, { sending: false, message, failed });
    this.show();
    tell(message, { error: failed });
  }

  async #ask(box) {
    try {
      Object.assign(box, await this.answers(box.box), { box: box.box });
    } catch (error) {
      tell(explain(error), { error: true });
    }
    this.show();
  }

  // All boxes as the visitor leaves them; what nobody is sure of is left out.
  #report() {
    return this.boxes
      .filter((box) => box.said !== undefined || (box.answers && box.verdict !== "unknown"))
      .map((box) => ({ box: box.box, name: box.said === undefined ? box.answers[0].name : box.said, was: box.was }));
  }

  #state() {
    return JSON.stringify(this.#report());
  }

  #summary() {
    const count = this.boxes.filter((box) => box.said ?? (box.said === undefined && box.verdict !== "unknown")).length;
    const people = count === 1 ? say("onePerson") : say("people", { count });
    const took = say(this.where === "browser" ? "tookBrowser" : "tookServer", { ms: Math.round(this.milliseconds) });
    return `${people} · ${took}`;
  }

  // With the keyboard or a screen reader: a box in the middle, to be moved. With the pointer: drag.
  #toggleDrawing(withoutPointer) {
    if (withoutPointer) {
      const { width, height } = this;
      this.add([0.35 * width, 0.35 * height, 0.65 * width, 0.65 * height]);
    } else this.#setDrawing(!this.stage.drawMode);
  }

  #setDrawing(on) {
    this.stage.drawing = on;
    this.drawButton.setAttribute("aria-pressed", String(on));
    this.drawButton.textContent = say(on ? "drawing" : "draw");
  }
}
