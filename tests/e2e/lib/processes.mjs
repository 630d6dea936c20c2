// Processes of this machine, as /proc tells of them.

import { readFileSync, readdirSync } from 'node:fs'

/** Process ids of the children of a process. */
export function childrenOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(parent) === pid && state !== 'Z'
      } catch {
        return false
      }
    })
    .map(Number)
}

export function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** True until a process has ended; one that has ended and was not yet collected counts as ended. */
export function alive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0])
  } catch {
    return false
  }
}
