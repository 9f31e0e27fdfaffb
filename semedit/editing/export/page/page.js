// The page of an exported model: z -> mapping -> w, truncated; rows of w plus each slider's step -> generator -> canvas.
import * as ort from "./ort/ort.wasm.min.mjs";
import { drawNormal } from "./random.js";
import { markedPng } from "./mark.js";

const $ = (id) => document.getElementById(id);
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;

const model = await (await fetch("model.json")).json();
const options = { executionProviders: ["wasm"] };
const mapping = await ort.InferenceSession.create("mapping.onnx", options);
const generator = await ort.InferenceSession.create("generator.onnx", options);
const { rows, style_dim: width, size } = model;
const sliders = new Map();
let base = null; // rows * width numbers: the person without edits
let shown = null; // what the generator put out last

/** The code of the person that the seed and the truncation mean. */
async function person() {
  const z = new ort.Tensor("float32", drawNormal(Number($("seed").value), width), [1, width]);
  const { w } = await mapping.run({ z });
  const psi = Number($("psi").value);
  base = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < width; i++) base[row * width + i] = model.mean_w[i] + psi * (w.data[i] - model.mean_w[i]);
}

/** The person's code with every slider's step added to the rows that it moves. */
function edited() {
  const codes = base.slice();
  for (const attribute of model.attributes) {
    const strength = Number(sliders.get(attribute.name).value);
    if (strength === 0) continue;
    for (const step of attribute.steps)
      for (const row of step.rows)
        for (let i = 0; i < width; i++) codes[row * width + i] += strength * step.move[i];
  }
  return codes;
}

let computing = false;
let waiting = null; // "person" or "code": what has changed since the picture that is being computed
/** Show what the controls say; of moves that come while a picture is computed, the last one counts. */
async function update(changed) {
  if (waiting !== "person") waiting = changed;
  if (computing) return;
  computing = true;
  try {
    while (waiting) {
      const what = waiting;
      waiting = null;
      const began = performance.now();
      if (what === "person") await person();
      const codes = new ort.Tensor("float32", edited(), [1, rows, width]);
      shown = await generator.run({ codes });
      paint();
      $("state").textContent = `${Math.round(performance.now() - began)} ms`;
      document.body.dataset.pictures = Number(document.body.dataset.pictures ?? 0) + 1;
    }
  } catch (error) {
    $("state").textContent = `That did not work: ${error.message ?? error}`;
  } finally {
    computing = false;
  }
}

/** The picture, or its label map, on the canvas. */
function paint() {
  const canvas = $("picture");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(size, size);
  const plane = size * size;
  const asLabels = $("labels").checked && shown.segmentation;
  for (let p = 0; p < plane; p++) {
    let colour;
    if (asLabels) {
      let best = 0;
      for (let r = 1; r < model.regions.length; r++)
        if (shown.segmentation.data[r * plane + p] > shown.segmentation.data[best * plane + p]) best = r;
      colour = model.colours[best];
    } else {
      colour = [0, 1, 2].map((c) => Math.trunc(127.5 * Math.min(1, Math.max(-1, shown.image.data[c * plane + p])) + 127.5));
    }
    pixels.data.set([...colour, 255], 4 * p);
  }
  context.putImageData(pixels, 0, 0);
}

/** The picture as a PNG file that says where it comes from. */
async function download() {
  const blob = await new Promise((done) => $("picture").toBlob(done, "image/png"));
  const moved = [...sliders.values()].some((slider) => Number(slider.value) !== 0);
  const mark = $("labels").checked ? model.marks.labels : moved ? model.marks.edit : model.marks.sample;
  const file = markedPng(new Uint8Array(await blob.arrayBuffer()), model.marks.key, mark);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file], { type: "image/png" }));
  link.download = `${model.name}-${$("seed").value}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const attribute of model.attributes) {
  const label = document.createElement("label");
  const slider = Object.assign(document.createElement("input"), { type: "range", min: -2, max: 2, step: 0.05, value: 0 });
  slider.id = `attribute-${attribute.name}`;
  const value = Object.assign(document.createElement("output"), { textContent: "0" });
  const where = Object.assign(document.createElement("small"), { textContent: `in ${attribute.regions}` });
  label.append(attribute.name.replaceAll("_", " "), slider, value, where);
  slider.addEventListener("input", () => {
    value.textContent = slider.value;
    update("code");
  });
  sliders.set(attribute.name, slider);
  $("sliders").append(label);
}
$("title").textContent = document.title = model.name;
$("labels").parentElement.hidden = model.regions.length === 0;
$("labels").addEventListener("change", paint);
$("seed").addEventListener("change", () => update("person"));
$("psi").addEventListener("input", () => {
  $("psi").nextElementSibling.textContent = $("psi").value;
  update("person");
});
$("another").addEventListener("click", () => {
  $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
  update("person");
});
$("reset").addEventListener("click", () => {
  for (const slider of sliders.values()) {
    slider.value = 0;
    slider.nextElementSibling.textContent = "0";
  }
  update("code");
});
$("download").addEventListener("click", download);
$("download").addEventListener("keydown", (event) => event.key === "Enter" && download());
await update("person");
