// The network in the browser: ONNX Runtime on WebAssembly, in a thread of its own so that the page stays alive.

import * as ort from "/runtime/ort.wasm.min.mjs";

// The network sees 300 or 512 pixels a side; a photograph is made smaller by the browser first, which is faster.
const LONGEST_SIDE = 1024;

ort.env.wasm.wasmPaths = "/runtime/";
// Threads need an isolated page (the server's headers see to that). They wait for each other in a busy loop, so
// half of the processor is left to everything else.
const cores = navigator.hardwareConcurrency || 1;
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, Math.max(1, Math.floor(cores / 2))) : 1;

let session;

async function load(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  session = await ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()));
  await look(new Uint8Array(3 * 64 * 64), 64, 64); // the first run is slow
}

async function look(rgb, width, height) {
  const outputs = await session.run({ picture: new ort.Tensor("uint8", rgb, [height, width, 3]) });
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data]));
}

async function find(file) {
  const started = performance.now();
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const [w, h] = [Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink))];
  const context = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, w, h);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, w, h);
  bitmap.close();
  const rgba = context.getImageData(0, 0, w, h).data;
  const rgb = new Uint8Array(3 * w * h);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  const seen = await look(rgb, w, h);
  return { width, height, seen, milliseconds: performance.now() - started };
}

self.onmessage = async ({ data: { number, load: address, file } }) => {
  try {
    self.postMessage({ number, result: address ? await load(address) : await find(file) });
  } catch (error) {
    self.postMessage({ number, error: String(error?.message ?? error), notPicture: error?.name === "InvalidStateError" });
  }
};
