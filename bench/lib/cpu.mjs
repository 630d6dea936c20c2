// CPU time of processes, from /proc: nanoseconds where the kernel keeps them, ticks otherwise.

import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** USER_HZ of Linux on every architecture that matters here. */
const NS_PER_TICK = 10_000_000n
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

function fields(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A process and everything that it has started and that still runs. */
export function family(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(fields(name)[1])]]
      } catch {
        return []
      }
    })
  const members = [pid]
  for (const member of members) members.push(...parents.filter(([, parent]) => parent === member).map(([child]) => child))
  return members
}

function ofOne(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const [ran] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')
      return sum + BigInt(ran)
    }, 0n)
  } catch {
    const [, , , , , , , , , , , user, system] = fields(pid)
    return (BigInt(user) + BigInt(system)) * NS_PER_TICK
  }
}

/** Nanoseconds that these processes have computed so far. */
export const cpuNs = (pids) => pids.reduce((sum, pid) => sum + ofOne(pid), 0n)

/** What a server and its workers have computed so far: each that runs, and all that have ended together, in ticks. */
export function spent(pid) {
  const running = new Map()
  for (const member of family(pid)) {
    try {
      running.set(member, ofOne(member))
    } catch (error) {
      // It has ended meanwhile.
      if (error.code !== 'ENOENT') throw error
    }
  }
  const [, , , , , , , , , , , , , user, system] = fields(pid)
  return { running, ended: (BigInt(user) + BigInt(system)) * NS_PER_TICK }
}

/** Nanoseconds between two of them, workers that came and went included. */
export function between(before, after) {
  let sum = after.ended - before.ended
  for (const [member, ns] of after.running) sum += ns - (before.running.get(member) ?? 0n)
  // What ended is counted whole among the ended ones, and had computed something before.
  for (const [member, ns] of before.running) if (!after.running.has(member)) sum -= ns
  return sum
}

/** Keeps processes on one core, where there are two and the system can (`taskset`). */
export const pin = {
  /** A command that stays on this core. */
  command: (core, command) => (canPin ? ['taskset', '-c', String(core), ...command] : command),
  /** A running process with all its threads. */
  process(core, pid) {
    if (canPin) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' })
  },
}
