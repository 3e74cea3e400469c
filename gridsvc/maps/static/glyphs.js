// Latin letters, digits and signs for the map's labels, drawn here instead of fetched.
//
// MapLibre draws Chinese characters from the reader's own fonts, but asks a glyph source for all
// others. This one answers its requests from a canvas: each character becomes a signed distance
// field, and the range is packed as the protocol buffer that MapLibre expects.

const SIZE = 24; // MapLibre's glyphs are drawn at 24 px
const BORDER = 3; // of empty pixels around each
const RADIUS = 8; // pixels over which the distance fades
const EDGE = 0.25; // the part of the scale that lies outside the outline
const BASELINE = 27; // from the top of MapLibre's line box; its own Chinese glyphs use 27.5
const FAR = 1e20;

/** Give MapLibre the protocol `canvas://{fontstack}/{range}`. */
export function installGlyphs(maplibregl, family) {
  maplibregl.addProtocol("canvas", async ({ url }) => {
    const [, stack, first, last] = /^canvas:\/\/([^/]+)\/(\d+)-(\d+)$/.exec(url);
    const name = decodeURIComponent(stack);
    const draw = drawer(`${/bold/i.test(name) ? 600 : 400} ${SIZE}px ${family}`);
    const glyphs = [];
    for (let code = Number(first); code <= Number(last); code += 1) {
      const glyph = draw(code);
      if (glyph) glyphs.push(glyph);
    }
    return { data: pack(name, `${first}-${last}`, glyphs) };
  });
}

function drawer(font) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (code) => {
    const character = String.fromCharCode(code);
    if (/\p{C}/u.test(character)) return null;
    context.font = font;
    const measure = context.measureText(character);
    const left = Math.floor(-measure.actualBoundingBoxLeft);
    const top = Math.ceil(measure.actualBoundingBoxAscent);
    const width = Math.max(0, Math.ceil(measure.actualBoundingBoxRight) - left);
    const height = Math.max(0, top + Math.ceil(measure.actualBoundingBoxDescent));
    const advance = Math.round(measure.width);
    const glyph = { code, left, top: top - BASELINE, width, height, advance, bitmap: null };
    if (!width || !height) return { ...glyph, width: 0, height: 0 };
    canvas.width = width + 2 * BORDER;
    canvas.height = height + 2 * BORDER;
    context.font = font; // setting the size has reset it
    context.fillText(character, BORDER - left, BORDER + top);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    glyph.bitmap = distanceField(data, canvas.width, canvas.height);
    return glyph;
  };
}

/** How far each pixel is from the outline: 255 deep inside, 0 far outside. */
function distanceField(pixels, width, height) {
  const outside = new Float64Array(width * height);
  const inside = new Float64Array(width * height);
  for (let i = 0; i < outside.length; i += 1) {
    const cover = pixels[4 * i + 3] / 255;
    // A half-covered pixel lies on the outline; its cover says how far to which side.
    outside[i] = cover === 1 ? 0 : cover === 0 ? FAR : Math.max(0, 0.5 - cover) ** 2;
    inside[i] = cover === 0 ? 0 : cover === 1 ? FAR : Math.max(0, cover - 0.5) ** 2;
  }
  spread(outside, width, height);
  spread(inside, width, height);
  return Uint8Array.from(outside, (square, i) => {
    const distance = Math.sqrt(square) - Math.sqrt(inside[i]);
    return Math.max(0, Math.min(255, Math.round(255 - 255 * (distance / RADIUS + EDGE))));
  });
}

/** Squared Euclidean distances in place: along the columns, then along the rows. */
function spread(grid, width, height) {
  for (let x = 0; x < width; x += 1) spreadLine(grid, x, width, height);
  for (let y = 0; y < height; y += 1) spreadLine(grid, y * width, 1, width);
}

/** The lower envelope of one parabola per pixel (Felzenszwalb and Huttenlocher, 2012). */
function spreadLine(grid, start, step, length) {
  const heights = Float64Array.from({ length }, (_, i) => grid[start + i * step]);
  const roots = [];
  const meets = (a, b) => (heights[b] + b * b - heights[a] - a * a) / (2 * (b - a));
  for (let i = 0; i < length; i += 1) {
    if (heights[i] >= FAR) continue;
    while (roots.length > 1 && meets(roots.at(-1), i) <= meets(roots.at(-2), roots.at(-1))) {
      roots.pop();
    }
    roots.push(i);
  }
  for (let i = 0, k = 0; i < length && roots.length; i += 1) {
    while (k + 1 < roots.length && meets(roots[k], roots[k + 1]) <= i) k += 1;
    grid[start + i * step] = heights[roots[k]] + (i - roots[k]) ** 2;
  }
}

function pack(name, range, glyphs) {
  const stack = [...field(1, utf8(name)), ...field(2, utf8(range))];
  for (const glyph of glyphs) {
    const packed = [...number(1, glyph.code)];
    if (glyph.bitmap) packed.push(...field(2, glyph.bitmap));
    packed.push(...number(3, glyph.width), ...number(4, glyph.height));
    packed.push(...number(5, zigzag(glyph.left)), ...number(6, zigzag(glyph.top)));
    packed.push(...number(7, glyph.advance));
    for (const byte of field(3, packed)) stack.push(byte);
  }
  return Uint8Array.from(field(1, stack)).buffer;
}

const utf8 = (text) => new TextEncoder().encode(text);
const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);
const number = (tag, value) => [tag << 3, ...varint(value)];

function field(tag, bytes) {
  const packed = [(tag << 3) | 2, ...varint(bytes.length)];
  for (const byte of bytes) packed.push(byte);
  return packed;
}

function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return [...bytes, rest];
}
