// The mask editor: brings document, canvas, tools and panel together, and talks to the server.
import { MaskDocument } from "./document.js";
import { Drawing } from "./drawing.js";
import { toBase64 } from "./regions.js";
import { Side, element } from "./side.js";
import { TOOLS, Tools } from "./tools.js";

const POLL_MS = 700;
const KEYS = [
  ...TOOLS.map((tool) => [tool.key.toUpperCase(), tool.label]),
  ["Alt", "take away instead of adding"], ["[ ]", "smaller, larger brush"], ["M", "merge the chosen objects"], ["Del", "delete them"],
  ["Ctrl+Z", "undo"], ["Ctrl+Shift+Z", "redo"], ["Ctrl+S", "save"],
  ["Arrows", "move the cross by a pixel; with Shift by ten"], ["Enter", "use the tool at the cross; again to end a stroke"],
  ["Wheel, + −", "zoom"], ["Space and drag", "move the picture"], ["0", "whole picture"], ["Esc", "drop the stroke, choose nothing"],
];

const byId = (id) => document.getElementById(id);

function say(text, bad = false) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("bad", bad);
}

async function ask(path, content) {
  const answer = await fetch(path, content && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error);
  return document;
}

function pointer(canvas, drawing, tools) {
  let panning = null;
  let space = false;
  addEventListener("keydown", (event) => { if (event.code === "Space" && event.target === canvas) { space = true; event.preventDefault(); } });
  addEventListener("keyup", (event) => { if (event.code === "Space") space = false; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    const at = drawing.place(event);
    drawing.cursor = null;
    if (event.button === 1 || space) panning = at;
    else tools.down(drawing.toPicture(at), { away: event.altKey || event.button === 2, more: event.shiftKey || event.ctrlKey || event.metaKey });
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = drawing.place(event);
    if (panning) {
      drawing.pan(at.x - panning.x, at.y - panning.y);
      panning = at;
    } else tools.move(drawing.toPicture(at));
  });
  const end = () => { if (panning) panning = null; else tools.up(); };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", () => { panning = null; tools.cancel(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    drawing.zoom(Math.exp(-event.deltaY / 400), drawing.place(event));
  }, { passive: false });
}

// The whole editor without a mouse: a cross that the arrow keys move, and Enter in place of the button.
function keyboard(canvas, masks, drawing, tools, side, save) {
  let drawn = false;
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = () => ({ x: drawing.canvas.width / 2, y: drawing.canvas.height / 2 });
  const cross = (event, [dx, dy]) => {
    const { width, height } = masks.size;
    const step = event.shiftKey ? 10 : 1;
    const from = drawing.cursor ?? { x: width / 2, y: height / 2 };
    drawing.cursor = { x: Math.min(width - 0.5, Math.max(0.5, from.x + dx * step)), y: Math.min(height - 0.5, Math.max(0.5, from.y + dy * step)) };
    tools.move(drawing.cursor);
    drawing.draw();
  };
  const enter = (event) => {
    drawing.cursor ??= { x: masks.size.width / 2, y: masks.size.height / 2 };
    if (drawn) tools.up();
    else tools.down(drawing.cursor, { away: event.altKey, more: event.shiftKey });
    drawn = Boolean(tools.path);
  };
  const escape = () => {
    drawn = false;
    if (tools.path) tools.cancel();
    else masks.choose([]);
  };
  const anywhere = { Escape: escape, "?": () => showKeys(), Delete: () => removeChosen(masks), m: () => masks.chosen.length > 1 && masks.change("merge", () => masks.merge(masks.chosen)) };
  const onCanvas = {
    Enter: enter, "+": () => drawing.zoom(1.2, middle()), "=": () => drawing.zoom(1.2, middle()), "-": () => drawing.zoom(1 / 1.2, middle()), 0: () => drawing.fit(),
    Backspace: () => removeChosen(masks),
    "[": () => resize(tools, side, 1 / 1.25), "]": () => resize(tools, side, 1.25),
  };
  addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (command && key === "z") { event.preventDefault(); return event.shiftKey ? masks.redo() : masks.undo(); }
    if (command && key === "y") { event.preventDefault(); return masks.redo(); }
    if (command && key === "s") { event.preventDefault(); return save(false); }
    if (command || event.target.matches("input[type=text], select")) return undefined;
    if (event.target === canvas && steps[key]) { event.preventDefault(); return cross(event, steps[key]); }
    const tool = TOOLS.find((item) => item.key === key && !event.altKey);
    if (tool) return side.pick(tool.name);
    const act = anywhere[key] ?? (event.target === canvas ? onCanvas[key] : undefined);
    if (act) { event.preventDefault(); act(event); }
    return undefined;
  });
}

function resize(tools, side, factor) {
  tools.radius = Math.min(80, Math.max(1, tools.radius * factor));
  side.options();
}

function removeChosen(masks) {
  if (masks.chosen.length) masks.change("delete", () => masks.remove(masks.chosen.slice()));
}

function showKeys() {
  const rows = KEYS.flatMap(([key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)]);
  const close = element("button", { type: "button" }, "Close");
  close.addEventListener("click", () => byId("keys").close());
  byId("keys").replaceChildren(element("h2", {}, "Keys"), element("dl", {}, ...rows), close);
  byId("keys").showModal();
}

async function start() {
  const facts = await ask("document");
  const index = new Uint8Array(await (await fetch("index")).arrayBuffer());
  const picture = new Image();
  picture.src = "picture.png";
  await picture.decode();

  document.title = `${facts.title}: masks · regen3d`;
  byId("title").textContent = facts.title;
  const canvas = byId("view");
  canvas.setAttribute("aria-label", `The picture ${facts.title} with its masks. ${KEYS.map((row) => row.join(": ")).join(". ")}`);
  const masks = new MaskDocument(facts, index);
  const drawing = new Drawing(canvas, picture, masks);
  const tools = new Tools(masks, drawing, ask, say);
  const side = new Side(masks, tools, say);
  let polling = false;

  const tellSaved = () => { byId("message").textContent = masks.dirty ? "not saved" : ""; };
  masks.addEventListener("changed", tellSaved);

  const poll = async () => {
    const status = await ask("status").catch(() => ({ state: "failed", message: "The editor was closed in the terminal.", events: [] }));
    side.progress(status);
    polling = ["queued", "running"].includes(status.state);
    if (polling) setTimeout(poll, POLL_MS);
    else if (status.state === "resumed") { for (const id of ["save", "rebuild"]) byId(id).disabled = true; }
  };

  const save = async (rebuild) => {
    try {
      const objects = masks.objects.map(({ id, name, label, support }) => ({ id, name, label, support: support || null }));
      const answer = await ask("save", { objects, index: toBase64(masks.index), rebuild });
      masks.saved = masks.mark();
      byId("message").textContent = `${answer.saved} masks saved`;
      say("");
      if (rebuild && !polling) { polling = true; poll(); }
    } catch (error) {
      say(error.message, true);
    }
  };

  byId("rebuild").textContent = facts.waiting ? "Save and go on" : "Save and rebuild";
  byId("rebuild").title = facts.waiting ? "The waiting run goes on with these masks" : "Only what depends on what you changed is made again";
  byId("undo").addEventListener("click", () => masks.undo());
  byId("redo").addEventListener("click", () => masks.redo());
  byId("fit").addEventListener("click", () => drawing.fit());
  byId("help").addEventListener("click", showKeys);
  byId("save").addEventListener("click", () => save(false));
  byId("rebuild").addEventListener("click", () => save(true));
  byId("opacity").addEventListener("input", (event) => { drawing.opacity = event.target.value / 100; drawing.recolour(); });
  addEventListener("beforeunload", (event) => { if (masks.dirty) event.preventDefault(); });
  pointer(canvas, drawing, tools);
  keyboard(canvas, masks, drawing, tools, side, save);
  document.body.dataset.ready = "yes";
  // For scripts of the user, and for tests.
  window.editor = { masks, drawing, tools, side };
  say(`Outlines are found by ${facts.cutter}.`);
}

start().catch((error) => say(`The editor could not start: ${error.message}`, true));
