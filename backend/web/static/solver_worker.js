// Solves one task and reports its progress. A web worker, so that the page stays responsive.
"use strict";

const ALGORITHM = "PBKDF2/SHA-256";
const REPORT_EVERY = 150; // milliseconds

function fromHex(text) {
  return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function beginsWith(bytes, prefix) {
  return prefix.every((byte, at) => bytes[at] === byte);
}

async function derive(nonce, salt, counter, parameters) {
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: parameters.cost };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8));
}

async function solve(task) {
  const parameters = task.parameters;
  const ceiling = parameters.data.ceiling;
  if (parameters.algorithm !== ALGORITHM || !(ceiling > 0)) throw new Error("unknown task");
  const nonce = fromHex(parameters.nonce);
  const salt = fromHex(parameters.salt);
  const prefix = fromHex(parameters.keyPrefix);
  let reported = performance.now();
  // One step at a time: running several at once was no faster in Chromium.
  for (let counter = 0; counter < ceiling; counter += 1) {
    const key = await derive(nonce, salt, counter, parameters);
    if (beginsWith(key, prefix)) return { counter, derivedKey: toHex(key) };
    const now = performance.now();
    if (now - reported >= REPORT_EVERY) {
      reported = now;
      self.postMessage({ done: counter + 1, ceiling });
    }
  }
  throw new Error("no solution");
}

self.addEventListener("message", async (event) => {
  try {
    self.postMessage({ solution: await solve(event.data) });
  } catch {
    self.postMessage({ failed: true });
  }
});
