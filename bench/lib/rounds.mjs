// Interleaved rounds: every contender runs once in each round, in an order that turns, so that whatever else the machine does
// falls on all of them alike.

/** The middle of a list of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * @param {Record<string, () => Promise<number>>} contenders each returns what one round has cost
 * @returns {Promise<Record<string, number[]>>} the costs of each, round by round
 */
export async function interleave(contenders, rounds) {
  const names = Object.keys(contenders)
  const costs = Object.fromEntries(names.map((name) => [name, []]))
  for (const name of names) await contenders[name]()
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < names.length; at++) {
      const name = names[(round + at) % names.length]
      costs[name].push(await contenders[name]())
    }
  }
  return costs
}

/** Ratios of one contender to another, or to several together, always from the same round. */
export function ratios(costs, above, ...below) {
  const all = costs[above].map((cost, round) => cost / below.reduce((sum, one) => sum + costs[one][round], 0))
  return { median: median(all), least: Math.min(...all), most: Math.max(...all) }
}
