// Small pieces of the page: elements, and icons drawn as lines.
const ICONS = {
  photo: "M3 7h4l2-3h6l2 3h4v12H3zM12 9.5a3.5 3.5 0 1 0 .01 0z",
  top: "M12 3v12m-5-5 5 5 5-5M4 20h16",
  wireframe: "M12 3 4 8v8l8 5 8-5V8zM4 8l8 5 8-5M12 13v8",
  boxes: "M4 4h4M4 4v4M20 4h-4m4 0v4M4 20h4m-4 0v-4m16 4h-4m4 0v-4",
  grid: "M3 9h18M3 15h18M9 3v18M15 3v18",
  names: "M4 12 12 4h8v8l-8 8zM16 8h.01",
  standIns: "M5 8l7-4 7 4v8l-7 4-7-4z",
  measure: "M3 17 17 3l4 4L7 21zM8 12l2 2m1-5 2 2m1-5 2 2",
  save: "M12 4v11m-4-4 4 4 4-4M4 19h16",
  full: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  help: "M9 9a3 3 0 1 1 4 2.8c-.8.4-1 .9-1 2.2m0 3h.01",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zm10-3a3 3 0 1 0 .01 0z",
};

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== ""));
  return made;
}

export function icon(name) {
  if (!ICONS[name]) return "";
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", ICONS[name]);
  drawing.append(line);
  return drawing;
}
