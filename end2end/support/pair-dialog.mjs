// The dialog "Pair a device" on an owner's page, as a person uses it.

export class PairDialog {
  constructor(page) {
    this.page = page;
    this.box = page.getByTestId("pair-dialog");
  }

  open() {
    return this.page.getByTestId("pair-device").click();
  }

  close() {
    return this.box.getByTestId("pair-close").click();
  }

  back() {
    return this.box.getByRole("button", { name: "Back" }).click();
  }

  /** Chooses, and asks for the code. */
  async ask(...picks) {
    for (const pick of picks) await this.box.getByText(pick, { exact: true }).click();
    await this.box.getByTestId("make-code").click();
  }

  /** Opens it and asks for a code; the text it hands over. */
  async makeCode(...picks) {
    await this.open();
    await this.ask(...picks);
    return this.code();
  }

  /** The text it hands over, once it does. */
  async code() {
    await this.box.getByTestId("copy").waitFor();
    return this.box.locator(".copy code").innerText();
  }

  heading(name) {
    return this.box.getByRole("heading", { name });
  }

  /** Waits for words in it. */
  says(words) {
    return this.box.getByText(words).waitFor();
  }
}
