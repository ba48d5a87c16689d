// A real TLS proxy in front of a gateway: nginx, with a certificate made for the occasion.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers, freePort, makeFolder, start, stop, until } from "./processes.mjs";

const nginx = process.env.NGINX ?? fileURLToPath(new URL("../../.tools/bin/nginx", import.meta.url));

/** The name that browsers of these tests find the proxy under. */
export const PROXY_HOST = "gateway.tail1234.ts.net";

/** Where visitors seem to come from: a phone in the tailnet, and somebody on the internet. */
export const TAILNET_ADDRESS = "100.101.102.103";
export const PUBLIC_ADDRESS = "203.0.113.7";

/** Starts nginx in front of `gateway`. To the gateway, every visitor comes from `address`. */
export async function startProxy(gateway, address = TAILNET_ADDRESS) {
  const folder = makeFolder();
  const port = await freePort();
  makeCertificate(folder);
  writeFileSync(join(folder, "nginx.conf"), configuration(port, gateway.port, address));
  const child = start(nginx, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], process.env);
  let complaints = "";
  child.stderr.on("data", (text) => (complaints += text));
  await until("nginx listens", () => {
    if (child.exitCode !== null) throw new Error(`nginx ended:\n${complaints}`);
    return answers(port);
  });
  return { origin: `https://${PROXY_HOST}:${port}`, stop: () => stop(child) };
}

/** Makes a key and a certificate in `folder`: `key.pem` and `cert.pem`. It is nobody's authority but its own. */
export function makeCertificate(folder, host = PROXY_HOST) {
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const use = ["-addext", "basicConstraints=critical,CA:FALSE"];
  execFileSync("openssl", [...request, ...subject, ...use, "-keyout", "key.pem", "-out", "cert.pem"], {
    cwd: folder,
    stdio: "ignore",
  });
}

const configuration = (port, gatewayPort, address) => `
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {
      proxy_pass http://127.0.0.1:${gatewayPort};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For ${address};
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 1h;
    }
  }
}
`;

/** The settings of a gateway that knows this proxy. */
export const TRUSTING = { gateway: { trustedProxies: ["127.0.0.1"] } };

/** The settings under which one-time codes carry `url`. */
export const reachableAt = (url) => ({ plugins: { entries: { "device-pair": { config: { publicUrl: url } } } } });
