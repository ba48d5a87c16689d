// The line between a page and its gateway, in a test's hands: cut, held down, listened to.
import { untilState } from "./browser.mjs";

export class PageLine {
  /** The names of all methods that the page called. */
  asked = [];
  #ends = new Set();
  #whenUp = Promise.resolve();
  #withheld;

  /** Takes the line of a page that is connected, by loading it anew. */
  static async take(page) {
    const line = new PageLine();
    line.page = page;
    await page.routeWebSocket("**", (socket) => line.#carry(socket));
    await page.reload();
    await untilState(page, "connected");
    return line;
  }

  async #carry(socket) {
    await this.#whenUp;
    const gateway = socket.connectToServer();
    this.#ends.add({ socket, gateway });
    socket.onMessage((message) => {
      const { method } = JSON.parse(message);
      this.asked.push(method);
      if (method === this.#withheld?.method) this.#withheld.happened();
      else gateway.send(message);
    });
  }

  /** Keeps the next calls of a method from the gateway. The promise `happened` resolves at the first. */
  withhold(method) {
    let happened;
    const promise = new Promise((resolve) => (happened = resolve));
    this.#withheld = { method, happened };
    return { happened: promise };
  }

  /** Carries everything again. */
  letPass() {
    this.#withheld = undefined;
  }

  /** Cuts the line, and waits until the page has noticed. What it dials stays silent until `up` is called. */
  async cut() {
    let up;
    this.#whenUp = new Promise((resolve) => (up = resolve));
    const noticed = untilState(this.page, "away");
    for (const { socket, gateway } of this.#ends) {
      await Promise.all([socket.close({ code: 1001 }), gateway.close({ code: 1001 })]);
    }
    this.#ends.clear();
    await noticed;
    return {
      up: async () => {
        up();
        await untilState(this.page, "connected");
      },
    };
  }

  /** Lets the page dial anew, so that it hears what time it is at the gateway. */
  async renew() {
    await (await this.cut()).up();
  }
}
