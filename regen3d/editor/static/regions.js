// Sets of pixels. A region is a Uint8Array of the picture's size with 1 inside; all functions leave their arguments alone.

export function emptyRegion(size) { return new Uint8Array(size.width * size.height); }

// The union of discs along a line.
export function stroke(size, from, to, radius) {
  const region = emptyRegion(size);
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const steps = Math.max(1, Math.ceil(length / Math.max(1, radius / 2)));
  for (let k = 0; k <= steps; k++) {
    const x = from.x + ((to.x - from.x) * k) / steps;
    const y = from.y + ((to.y - from.y) * k) / steps;
    disc(region, size, x, y, radius);
  }
  return region;
}

function disc(region, size, x, y, radius) {
  const top = Math.max(0, Math.floor(y - radius));
  const bottom = Math.min(size.height - 1, Math.ceil(y + radius));
  for (let row = top; row <= bottom; row++) {
    const reach = radius * radius - (row + 0.5 - y) ** 2;
    if (reach < 0) continue;
    const half = Math.sqrt(reach);
    const left = Math.max(0, Math.ceil(x - half - 0.5));
    const right = Math.min(size.width - 1, Math.floor(x + half - 0.5));
    if (right >= left) region.fill(1, row * size.width + left, row * size.width + right + 1);
  }
  const [column, line] = [Math.floor(x), Math.floor(y)];
  if (column >= 0 && line >= 0 && column < size.width && line < size.height) region[line * size.width + column] = 1;
}

// The inside of a closed outline, by the even-odd rule.
export function polygon(size, points) {
  const region = emptyRegion(size);
  for (let row = 0; row < size.height; row++) {
    const y = row + 0.5;
    const crossings = [];
    points.forEach((a, k) => {
      const b = points[(k + 1) % points.length];
      if (a.y <= y === b.y <= y) return;
      crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
    });
    crossings.sort((one, two) => one - two);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const left = Math.max(0, Math.ceil(crossings[k] - 0.5));
      const right = Math.min(size.width - 1, Math.floor(crossings[k + 1] - 0.5));
      if (right >= left) region.fill(1, row * size.width + left, row * size.width + right + 1);
    }
  }
  return region;
}

// Connected parts, largest first, each as an array of pixel numbers.
export function parts(region, size) {
  const seen = new Uint8Array(region.length);
  const found = [];
  for (let start = 0; start < region.length; start++) {
    if (!region[start] || seen[start]) continue;
    const pixels = [start];
    seen[start] = 1;
    for (let k = 0; k < pixels.length; k++) {
      for (const next of neighbours(pixels[k], size)) {
        if (region[next] && !seen[next]) { seen[next] = 1; pixels.push(next); }
      }
    }
    found.push(pixels);
  }
  return found.sort((one, two) => two.length - one.length);
}

function neighbours(pixel, { width, height }) {
  const x = pixel % width;
  const found = [];
  if (x > 0) found.push(pixel - 1);
  if (x < width - 1) found.push(pixel + 1);
  if (pixel >= width) found.push(pixel - width);
  if (pixel < width * (height - 1)) found.push(pixel + width);
  return found;
}

// What a region encloses but does not hold.
export function holes(region, size) {
  const outside = region.map((inside) => 1 - inside);
  const filled = emptyRegion(size);
  for (const pixels of parts(outside, size)) {
    const open = pixels.some((p) => p % size.width === 0 || p % size.width === size.width - 1 || p < size.width
      || p >= size.width * (size.height - 1));
    if (!open) for (const pixel of pixels) filled[pixel] = 1;
  }
  return filled;
}

// A bit a pixel in base64, most significant first: numpy's packbits.
export function pack(region) {
  const bytes = new Uint8Array(Math.ceil(region.length / 8));
  for (let k = 0; k < region.length; k++) if (region[k]) bytes[k >> 3] |= 128 >> (k & 7);
  return toBase64(bytes);
}

export function unpack(text, size) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const region = emptyRegion(size);
  for (let k = 0; k < region.length; k++) region[k] = (bytes[k >> 3] >> (7 - (k & 7))) & 1;
  return region;
}

export function toBase64(bytes) {
  let text = "";
  for (let k = 0; k < bytes.length; k += 32768) text += String.fromCharCode(...bytes.subarray(k, k + 32768));
  return btoa(text);
}
