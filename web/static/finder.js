// Looks at pictures: in the browser where the visitor wants it and it works, else on the server.

import { answerFor, found } from "./answers.js";
import { ServerError, answersFromServer, findOnServer } from "./server.js";

export class Finder {
  constructor(about) {
    this.about = about;
    this.where = "server";
    this.asked = new Map();
    this.loaded = null;
  }

  get canUseBrowser() {
    return this.about.browser !== null && typeof Worker === "function" && typeof OffscreenCanvas === "function";
  }

  // Fetches the network; rejects where the browser cannot run it.
  prepareBrowser() {
    this.loaded ??= this.#start();
    return this.loaded;
  }

  // -> {width, height, boxes, milliseconds, where, answers(box)}
  async look(file) {
    if (this.where === "browser") {
      await this.prepareBrowser();
      const { width, height, seen, milliseconds } = await this.#ask({ file });
      const boxes = found(seen, width, height, this.about);
      const answers = async (box) => answerFor(box, seen, width, height, this.about);
      return { width, height, boxes, milliseconds, where: "browser", answers };
    }
    const started = performance.now();
    const { width, height, boxes } = await findOnServer(file);
    const answers = async (box) => (await answersFromServer(file, [box]))[0];
    return { width, height, boxes, milliseconds: performance.now() - started, where: "server", answers };
  }

  async #start() {
    this.worker = new Worker("/static/finder_worker.js", { type: "module" });
    this.worker.onmessage = ({ data: { number, result, error, notPicture } }) => {
      const { resolve, reject } = this.asked.get(number);
      this.asked.delete(number);
      if (error === undefined) resolve(result);
      else reject(notPicture ? new ServerError(415, error) : new Error(error));
    };
    const broken = new Promise((_, reject) => {
      this.worker.onerror = (event) => reject(new Error(event.message || "worker"));
    });
    await Promise.race([this.#ask({ load: this.about.browser }), broken]);
  }

  #ask(what) {
    const number = this.asked.size ? Math.max(...this.asked.keys()) + 1 : 1;
    return new Promise((resolve, reject) => {
      this.asked.set(number, { resolve, reject });
      this.worker.postMessage({ number, ...what });
    });
  }
}
