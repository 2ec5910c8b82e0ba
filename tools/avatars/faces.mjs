// Draws faces of the styles in package.json and writes them as lines of JSON, for `dit data avatars`:
// a line for each style (its name and whose work it is), then a line for each face (style, seed, split, SVG).
//
//   npm ci --ignore-scripts --prefix tools/avatars
//   node tools/avatars/faces.mjs TRAIN TEST > faces.ndjson
//
// TRAIN and TEST: faces of each style. A face is a function of its style and seed, so the lines are the same every time.
import { createAvatar } from "@dicebear/core";
import { readFileSync } from "node:fs";
import { once } from "node:events";

const [train, test] = process.argv.slice(2).map(Number);
if (!(train > 0 && test > 0)) {
  console.error("usage: node faces.mjs TRAIN TEST > faces.ndjson (faces of each style)");
  process.exit(2);
}

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const packages = Object.keys(read("package.json").dependencies).filter((name) => name !== "@dicebear/core");
const core = read("node_modules/@dicebear/core/package.json").version;

async function write(line) {
  if (!process.stdout.write(JSON.stringify(line) + "\n")) await once(process.stdout, "drain");
}

for (const name of packages) {
  const style = await import(name);
  const { title, creator, source, homepage, license } = style.meta;
  const { version } = read(`node_modules/${name}/package.json`);
  // "@dicebear/big-ears" → "Big Ears"
  const label = name.split("/")[1].split("-").map((word) => word[0].toUpperCase() + word.slice(1)).join(" ");
  await write({ style: label, package: name, version, core, title, creator, source, homepage, license });
  for (const [split, count] of [["train", train], ["test", test]]) {
    for (let i = 0; i < count; i++) {
      const seed = `${split}-${i}`;
      const svg = createAvatar(style, { seed, backgroundColor: ["ffffff"] }).toString();
      await write({ face: label, seed, split, svg });
    }
  }
}
