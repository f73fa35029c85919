// A picture with boxes on it: boxes are drawn, moved, resized and removed with the pointer or the keyboard.

import { make, percent } from "./elements.js";
import { say } from "./words.js";

const SMALLEST = 8; // pixels of the picture
const CORNERS = [["left", "top"], ["right", "top"], ["left", "bottom"], ["right", "bottom"]];

// What the box's label says.
export function nameOf(box) {
  if (box.said === null) return say("notFace");
  if (box.said !== undefined) return box.said;
  if (!box.answers) return "…";
  return box.verdict === "unknown" ? say("unknown") : box.answers[0].name;
}

export class Stage {
  // handlers: chosen(box), drawn(corners), changed(box), removed(box)
  constructor(picture, colours, handlers) {
    this.picture = picture; // {width, height, boxes, chosen}
    this.colours = colours;
    this.handlers = handlers;
    this.image = make("img", { alt: "", draggable: "false" });
    this.layer = make("div", { class: "layer" });
    this.element = make("div", { class: "stage" }, this.image, this.layer);
    this.element.addEventListener("pointerdown", (event) => this.#startDrawing(event));
    this.drawing = false;
  }

  set drawing(on) {
    this.drawMode = on;
    this.element.classList.toggle("drawing", on);
  }

  // Shows the boxes anew. Focus stays on the box that had it.
  show() {
    const focused = this.layer.contains(document.activeElement) ? document.activeElement.dataset.box : null;
    const { boxes } = this.picture;
    this.layer.replaceChildren(...boxes.map((box, index) => this.#element(box, index, boxes.length)));
    if (focused !== null) this.focus(focused);
  }

  focus(id) {
    this.layer.querySelector(`[data-box="${id}"]`)?.focus({ preventScroll: true });
  }

  #element(box, index, count) {
    const name = nameOf(box);
    const chosen = this.picture.chosen === box;
    const best = box.answers?.[0].probability ?? 0;
    const values = { name, number: index + 1, count, percent: percent(best), word: say(box.verdict ?? "unknown") };
    const label = make("span", { class: "label" }, name);
    if (box.said === undefined && box.verdict === "maybe") label.append("?");
    const element = make(
      "button",
      {
        type: "button",
        class: `box ${box.said === null ? "no-face" : box.said === undefined ? (box.verdict ?? "unknown") : "sure"}`,
        "data-box": box.id,
        "aria-pressed": String(chosen),
        "aria-label": say(box.said === undefined ? "boxLabel" : "boxSaid", values),
        onclick: () => this.handlers.chosen(box),
        onkeydown: (event) => this.#key(event, box),
        onpointerdown: (event) => this.#startMoving(event, box),
      },
      label,
    );
    if (box.answers && box.said === undefined) element.append(this.#tip(box));
    if (chosen)
      for (const [x, y] of CORNERS)
        element.append(make("i", { class: `corner ${x} ${y}`, onpointerdown: (event) => this.#startResizing(event, box, x, y) }));
    this.#place(element, box.box);
    const colour = this.colours.get(nameOf(box));
    if (colour) element.style.setProperty("--colour", colour);
    return element;
  }

  // The likeliest names, shown while the pointer is over the box.
  #tip(box) {
    const rows = box.answers.map(({ name, probability }) =>
      make("span", {}, make("b", {}, name), make("span", {}, `${percent(probability)} %`)),
    );
    return make("span", { class: "tip", "aria-hidden": "true" }, make("em", {}, say(box.verdict)), ...rows);
  }

  #place(element, [left, top, right, bottom]) {
    const { width, height } = this.picture;
    element.style.left = `${(100 * left) / width}%`;
    element.style.top = `${(100 * top) / height}%`;
    element.style.width = `${(100 * (right - left)) / width}%`;
    element.style.height = `${(100 * (bottom - top)) / height}%`;
    element.classList.toggle("at-top", top / height < 0.12);
    element.classList.toggle("at-right", (left + right) / 2 / width > 0.5);
    element.classList.toggle("low", bottom / height > 0.55);
  }

  #at(event) {
    const area = this.layer.getBoundingClientRect();
    const { width, height } = this.picture;
    const inside = (value, most) => Math.min(Math.max(value, 0), most);
    return [
      inside(((event.clientX - area.left) / area.width) * width, width),
      inside(((event.clientY - area.top) / area.height) * height, height),
    ];
  }

  // Calls step with the pointer's position until it is lifted, then done(moved).
  #follow(event, step, done) {
    const start = this.#at(event);
    const from = [event.clientX, event.clientY];
    let moved = false;
    const pointer = event.pointerId;
    const move = (next) => {
      if (next.pointerId !== pointer) return;
      moved ||= Math.hypot(next.clientX - from[0], next.clientY - from[1]) > 4;
      if (moved) step(start, this.#at(next));
    };
    const stop = (next) => {
      if (next.pointerId !== pointer) return;
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
      done(moved);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
  }

  #startDrawing(event) {
    // A finger scrolls the page, except where drawing was asked for.
    if (!this.picture.width || event.button !== 0 || (event.pointerType !== "mouse" && !this.drawMode)) return;
    event.preventDefault();
    const outline = make("div", { class: "outline" });
    let corners = null;
    this.#follow(
      event,
      (a, b) => {
        corners = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
        if (!outline.parentNode) this.layer.append(outline);
        this.#place(outline, corners);
      },
      () => {
        outline.remove();
        if (corners && corners[2] - corners[0] >= SMALLEST && corners[3] - corners[1] >= SMALLEST) this.handlers.drawn(corners);
      },
    );
  }

  #startMoving(event, box) {
    if (event.button !== 0) return;
    // A box inside of a box is drawn, too: only the chosen one moves.
    if (this.drawMode || this.picture.chosen !== box) return;
    event.stopPropagation();
    const [left, top, right, bottom] = box.box;
    const { width, height } = this.picture;
    const element = event.currentTarget;
    this.#follow(
      event,
      (a, b) => {
        const x = Math.min(Math.max(b[0] - a[0], -left), width - right);
        const y = Math.min(Math.max(b[1] - a[1], -top), height - bottom);
        box.box = [left + x, top + y, right + x, bottom + y];
        this.#place(element, box.box);
      },
      (moved) => moved && this.handlers.changed(box),
    );
  }

  #startResizing(event, box, x, y) {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    const element = event.currentTarget.parentNode;
    const old = [...box.box];
    this.#follow(
      event,
      (_, [px, py]) => {
        const next = [...old];
        if (x === "left") next[0] = Math.min(px, old[2] - SMALLEST);
        else next[2] = Math.max(px, old[0] + SMALLEST);
        if (y === "top") next[1] = Math.min(py, old[3] - SMALLEST);
        else next[3] = Math.max(py, old[1] + SMALLEST);
        box.box = next;
        this.#place(element, next);
      },
      (moved) => moved && this.handlers.changed(box),
    );
  }

  #key(event, box) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.handlers.removed(box);
      return;
    }
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction) return;
    event.preventDefault();
    const { width, height } = this.picture;
    const step = Math.max(1, Math.round(0.01 * Math.max(width, height)));
    let [left, top, right, bottom] = box.box;
    const [x, y] = direction.map((d) => d * step);
    if (event.shiftKey) {
      right = Math.min(Math.max(right + x, left + SMALLEST), width);
      bottom = Math.min(Math.max(bottom + y, top + SMALLEST), height);
    } else {
      const dx = Math.min(Math.max(x, -left), width - right);
      const dy = Math.min(Math.max(y, -top), height - bottom);
      [left, right, top, bottom] = [left + dx, right + dx, top + dy, bottom + dy];
    }
    box.box = [left, top, right, bottom];
    this.#place(event.currentTarget, box.box);
    this.handlers.changed(box);
  }
}
