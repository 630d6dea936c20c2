// Keeps what was measured: bench/results.json, the table in docs/performance.md and the plot beside it. A line that is measured again replaces
// what was kept of it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..')
const RESULTS = path.join(ROOT, 'bench/results.json')
const PAGE = path.join(ROOT, 'docs/performance.md')
const PLOT = path.join(ROOT, 'docs/images/performance.svg')
const [BEGIN, END] = ['<!-- measured: bench/run -->', '<!-- end of measured -->']

/** Everything that was kept, by line. */
export const kept = () => (existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {})

/** @param {string} line @param {object} result what the line returned, with `about` and how it was run */
export function keep(line, result) {
  const all = kept()
  const machine = `${availableParallelism()} × ${cpus()[0].model.trim()}`
  all[line] = { date: new Date().toISOString().slice(0, 10), machine, ...result }
  const sorted = Object.fromEntries(Object.keys(all).sort().map((name) => [name, all[name]]))
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 1)}\n`)
  writeFileSync(PLOT, plot(sorted))
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest] = page.split(BEGIN)
  if (rest === undefined || !rest.includes(END)) throw new Error(`docs/performance.md has no place for the table (${BEGIN} … ${END})`)
  writeFileSync(PAGE, `${before}${BEGIN}\n${table(sorted)}${END}${rest.split(END)[1]}`)
}

const number = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2))

function table(all) {
  let text = ''
  for (const [line, { about, date, machine, load, unit, cost, ratios, rounds, requests }] of Object.entries(all)) {
    text += `\n### ${line}\n\n${about[0].toUpperCase()}${about.slice(1)}. ${date}, ${machine}, load ${load.toFixed(1)}, ${rounds} rounds of ${requests}.\n\n`
    text += `| what | ${unit || 'measured'} |\n|---|---|\n`
    for (const [who, value] of Object.entries(cost)) text += `| ${who} | ${number(value)} |\n`
    text += '\n| ratio | median | least to most | target | |\n|---|---|---|---|---|\n'
    for (const [who, { median, least, most, target }] of Object.entries(ratios)) {
      const verdict = target === undefined ? '' : median <= target ? 'met' : '**missed**'
      text += `| ${who} | ${number(median)} | ${number(least)} to ${number(most)} | ${target ?? '–'} | ${verdict} |\n`
    }
  }
  return `${text}\n`
}

const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

/** Bars of every ratio that has a target, as shares of it: what ends left of the line is met. */
function plot(all) {
  const bars = Object.entries(all).flatMap(([line, { ratios }]) =>
    Object.entries(ratios)
      .filter(([, { target }]) => target !== undefined)
      .map(([who, { median, least, most, target }]) => ({ label: `${line}: ${who}`, share: [least, median, most].map((value) => value / target) })),
  )
  const [left, width, row, most] = [430, 420, 22, 4]
  const x = (share) => left + (Math.min(share, most) / most) * width
  const height = bars.length * row + 60
  const marks = [0, 1, 2, 3, 4].map(
    (share) =>
      `<line x1="${x(share)}" y1="30" x2="${x(share)}" y2="${height - 24}" stroke="${share === 1 ? '#333' : '#ddd'}"/>` +
      `<text x="${x(share)}" y="${height - 8}" text-anchor="middle">${share === 1 ? 'target' : `${share} ×`}</text>`,
  )
  const drawn = bars.map(({ label, share: [least, median, top] }, at) => {
    const y = 34 + at * row
    const colour = median <= 1 ? '#2a7f4f' : '#b3541e'
    return (
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escaped(label)}</text>` +
      `<rect x="${left}" y="${y + 3}" width="${(x(median) - left).toFixed(1)}" height="12" fill="${colour}"/>` +
      `<line x1="${x(least).toFixed(1)}" y1="${y + 9}" x2="${x(top).toFixed(1)}" y2="${y + 9}" stroke="#111" stroke-width="1.5"/>` +
      `<text x="${(x(Math.max(median, top)) + 6).toFixed(1)}" y="${y + 13}">${median.toFixed(2)}</text>`
    )
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 60} ${height}" font-family="sans-serif" font-size="11">` +
    `<rect width="100%" height="100%" fill="#fff"/><text x="${left}" y="18" font-size="13">Measured ratios as shares of their targets (line: spread over the rounds)</text>` +
    `${marks.join('')}${drawn.join('')}</svg>\n`
  )
}
