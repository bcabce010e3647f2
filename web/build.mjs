// Builds the scene viewer into the Python package: one script, one style sheet, and the licences of what is inside.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const target = new URL("../regen3d/viewer/static/", import.meta.url).pathname;

await build({
  entryPoints: ["src/viewer.js", "src/viewer.css"],
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
});

const licence = await readFile("node_modules/three/LICENSE", "utf8");
const { version } = JSON.parse(await readFile("node_modules/three/package.json", "utf8"));
await writeFile(`${target}NOTICE.txt`, `viewer.js contains three.js ${version} (threejs.org), and with it the decoder of meshoptimizer (meshoptimizer.org,\nCopyright (c) 2016-2026 Arseny Kapoulkine), both under this licence:\n\n${licence}`);
