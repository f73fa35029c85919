// From the network's numbers to names: the same rules as web/verdicts.py.
// Boxes here are the network's: ymin, xmin, ymax, xmax as fractions, four numbers in a row of a flat array.

const LIKELIEST = 5;
const ONE_HEAD = 0.6; // nets/postprocess.py, ONE_HEAD
const SAME = 0.4; // web/verdicts.py, _SAME
const SHARPNESS = 4;

function overlap(a, i, b, j) {
  const height = Math.min(a[i + 2], b[j + 2]) - Math.max(a[i], b[j]);
  const width = Math.min(a[i + 3], b[j + 3]) - Math.max(a[i + 1], b[j + 1]);
  if (height <= 0 || width <= 0) return 0;
  const area = (c, k) => (c[k + 2] - c[k]) * (c[k + 3] - c[k + 1]);
  return (height * width) / (area(a, i) + area(b, j) - height * width);
}

// One box with its likeliest names. row: probabilities, nobody first.
export function answer(box, row, about) {
  const ranked = about.names
    .map((known, index) => ({ ...known, probability: row[index + 1] }))
    .sort((a, b) => b.probability - a.probability);
  const [best, second] = ranked;
  const close = second && best.probability < about.least_ratio * second.probability;
  const verdict = close || best.probability < best.maybe_from ? "unknown" : best.probability < best.sure_from ? "maybe" : "sure";
  const answers = ranked.slice(0, LIKELIEST).map(({ name, probability }) => ({ name, probability }));
  return { box, verdict, answers, nobody: row[0] };
}

const pixels = (b, i, width, height) => [b[i + 1] * width, b[i] * height, b[i + 3] * width, b[i + 2] * height];

// What the network found, one box for each head; an anchor's second names are no names of the head.
export function found({ boxes, scores, probabilities }, width, height, about) {
  const classes = about.names.length + 1;
  const kept = [];
  const likeliest = (n) => Math.max(...probabilities.slice(n * classes + 1, (n + 1) * classes));
  for (let n = 0; n < scores.length; n++)
    if (scores[n] >= about.show_from && scores[n] >= likeliest(n) && kept.every((m) => overlap(boxes, 4 * n, boxes, 4 * m) <= ONE_HEAD)) kept.push(n);
  return kept.map((n) =>
    answer(pixels(boxes, 4 * n, width, height), probabilities.slice(n * classes, (n + 1) * classes), about),
  );
}

// Names for a box that somebody drew: the mean of what overlapping anchors say, by overlap and certainty.
export function answerFor(box, { anchor_boxes, anchor_probabilities }, width, height, about) {
  const classes = about.names.length + 1;
  const drawn = [box[1] / height, box[0] / width, box[3] / height, box[2] / width];
  const overlaps = Array.from({ length: anchor_boxes.length / 4 }, (_, a) => overlap(drawn, 0, anchor_boxes, 4 * a));
  let weights = overlaps.map((o, a) => (o >= SAME ? o ** SHARPNESS * (1 - anchor_probabilities[a * classes]) : 0));
  let total = weights.reduce((sum, w) => sum + w, 0);
  if (total <= 0) {
    weights = overlaps.map((o) => Math.max(o, 1e-6) ** SHARPNESS);
    total = weights.reduce((sum, w) => sum + w, 0);
  }
  const row = new Array(classes).fill(0);
  weights.forEach((w, a) => {
    if (w > 0) for (let c = 0; c < classes; c++) row[c] += (w / total) * anchor_probabilities[a * classes + c];
  });
  // Who drew the box says that somebody is there: names are shares of all names.
  const [nobody, ...names] = row;
  const all = Math.max(names.reduce((sum, p) => sum + p, 0), 1e-9);
  return answer(box, [nobody, ...names.map((p) => p / all)], about);
}
