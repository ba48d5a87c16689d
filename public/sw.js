// Shows what the gateway pushes while no page is open, and leads to the card that it is about. A push holds a name, the
// pictures to compare and an address, never anything that decides.
"use strict";

const WORDS = {
  en: {
    asks: (name) => `${name} wants in`,
    crowd: (count) => `${count} more devices want in`,
    compare: "Approve only what you expect.",
    test: "Notifications work",
    tested: "When a device wants in, you hear of it like this.",
    unknown: "A device wants in",
    networks: { "this-machine": "This machine", lan: "LAN", tailnet: "Tailnet", public: "Public" },
  },
  zh: {
    asks: (name) => `${name} 请求接入`,
    crowd: (count) => `还有 ${count} 台设备请求接入`,
    compare: "只批准您预期的设备。",
    test: "通知正常",
    tested: "有设备请求接入时,您会这样收到通知。",
    unknown: "有设备请求接入",
    networks: { "this-machine": "本机", lan: "局域网", tailnet: "Tailnet", public: "公网" },
  },
};

// The page registers this file with its own language.
const language = new URLSearchParams(self.location.search).get("lang");
const words = WORDS[language] ?? WORDS.en;

/** How long an open page may take to say that it shows the card. In milliseconds. */
const PATIENCE = 1000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title, ...options } = told(event.data);
  event.waitUntil(self.registration.showNotification(title, { icon: "/icon-192.png", badge: "/badge.png", ...options }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const leading = lead(event.notification.data?.requestId);
  event.waitUntil(leading);
});

/** A push in words. A browser that is woken has to show something, so what cannot be read is told too. */
function told(data) {
  let push;
  try {
    push = data.json();
  } catch {
    push = {};
  }
  switch (push.kind) {
    case "request": {
      const { requestId, deviceId, name, emoji, address, network } = push;
      const body = `${emoji}\n${address} · ${words.networks[network] ?? network}`;
      // One for each device: what it asks for next takes the place of this one.
      return { title: words.asks(name), body, tag: `device-${deviceId}`, requireInteraction: true, data: { requestId } };
    }
    case "crowd":
      return { title: words.crowd(push.count), body: words.compare, tag: "crowd", requireInteraction: true };
    case "test":
      return { title: words.test, body: words.tested, tag: "test" };
    default:
      return { title: words.unknown, body: words.compare, tag: "crowd" };
  }
}

/** Brings an open page to the front and its card into view, or opens one there. */
async function lead(requestId) {
  const path = requestId ? `/devices#request-${encodeURIComponent(requestId)}` : "/devices";
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((page) => page.focused) ?? pages.find((page) => page.visibilityState === "visible") ?? pages[0];
  if (!page) return self.clients.openWindow(path);
  const shown = shows(page, requestId);
  await page.focus().catch(() => {});
  // A page of another version, or one that is not let in, knows nothing of cards.
  if (!(await shown)) await page.navigate(path).catch(() => self.clients.openWindow(path));
}

function shows(page, requestId) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(true);
    setTimeout(resolve, PATIENCE, false);
    page.postMessage({ kind: "show", requestId }, [port2]);
  });
}
