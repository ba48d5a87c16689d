// A proxy in front of a gateway on this machine. To the gateway, whoever comes through it is somewhere else.
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Where the visitors seem to be: an address that belongs to nobody. */
export const ELSEWHERE = "203.0.113.7";

const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/** Starts a proxy on a free port. It forwards one request of each connection, which is all that a WebSocket needs. */
export async function startForwarder(gatewayPort) {
  const sockets = new Set();
  const server = createServer((visitor) => {
    const gateway = connect(gatewayPort, "127.0.0.1");
    for (const socket of [visitor, gateway]) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        visitor.destroy();
        gateway.destroy();
      });
      socket.on("error", () => {});
    }
    let head = Buffer.alloc(0);
    const readHead = (chunk) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(END_OF_HEADERS);
      if (end < 0) return;
      visitor.off("data", readHead);
      gateway.write(head.subarray(0, end));
      gateway.write(`\r\nX-Forwarded-For: ${ELSEWHERE}`);
      gateway.write(head.subarray(end));
      visitor.pipe(gateway).pipe(visitor);
    };
    visitor.on("data", readHead);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
