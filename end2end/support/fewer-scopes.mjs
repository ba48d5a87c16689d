// A page that asks for less than ours does, as one of another version might. Ours always asks for one of few sets.

/** Makes a page sign and send these scopes in place of its own, from its next document on. */
export function askFor(page, scopes) {
  return page.addInitScript((scopes) => {
    const { sign } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.sign = function (algorithm, key, text) {
      const fields = new TextDecoder().decode(text).split("|");
      fields[5] = scopes.join(",");
      return sign.call(this, algorithm, key, new TextEncoder().encode(fields.join("|")));
    };
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
      const frame = JSON.parse(text);
      if (frame.method === "connect") frame.params.scopes = scopes;
      return send.call(this, JSON.stringify(frame));
    };
  }, scopes);
}
