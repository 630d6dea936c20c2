// What a running server holds and spends, and whether what it holds grows.

import { readFileSync, readdirSync } from 'node:fs'
import { childrenOf } from '../processes.mjs'

/** Memory of a process in MiB: proportional, resident, and what it asked for itself (`own`), without the pages of files such as the database's. */
export function memory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const mib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)[1]) / 1024
  return { pss: mib('Pss'), rss: mib('Rss'), own: mib('Pss_Anon') }
}

/** What the threads of a process are doing: tells a server that waits for something from one that gets no processor. */
export function threads(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => {
        const read = (file) => readFileSync(`/proc/${pid}/task/${task}/${file}`, 'latin1').trim()
        const stat = read('stat')
        return `${read('comm')}: ${stat.slice(stat.lastIndexOf(')') + 2)[0]} in ${read('wchan') || 'its own code'}, ran and waited ${read('schedstat')}`
      })
      .join('\n')
  } catch {
    return 'the process is gone'
  }
}

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length

/** Seconds of CPU of a process and, as far as they have ended, of its children. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [user, system, user_ended, system_ended] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 15).map(Number)
  return { own: (user + system) / 100, ended: (user_ended + system_ended) / 100 }
}

/** Seconds of CPU of a server and its workers, past ones included. */
export function familySeconds(pid) {
  const { own, ended } = cpuSeconds(pid)
  const running = childrenOf(pid).map((child) => {
    try {
      return cpuSeconds(child).own
    } catch {
      return 0
    }
  })
  return own + ended + running.reduce((sum, seconds) => sum + seconds, 0)
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}

/**
 * How fast a series grows, by Theil and Sen: the median of the slopes between all pairs of points, which a few
 * moments of heavy use do not move.
 * @param {{hours: number, value: number}[]} points
 */
export function growthPerHour(points) {
  const slopes = []
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) slopes.push((points[j].value - points[i].value) / (points[j].hours - points[i].hours))
  }
  return slopes.length === 0 ? 0 : median(slopes)
}
