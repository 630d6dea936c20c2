// A data folder on a small file system of its own (tmpfs) that can be filled up and freed again. Mounting is done in a mount namespace
// of this process: nothing of it is seen outside, and it is gone with the process. As another user than root a user namespace gives
// the right to mount; where the system refuses both, the run says so.

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import path from 'node:path'

const INSIDE = 'VITRINE_SOAK_INSIDE'
/** Taken page by page: others are writing at the same moment, and a large piece is given whole or not at all. */
const REST_BYTES = 4 << 20
const PAGE = Buffer.alloc(4096)

/** Starts this program again in a namespace where it may mount; false when it is there already. */
export async function enterNamespace() {
  if (process.env[INSIDE]) return false
  const flags = process.getuid() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
  const command = [...flags, '--propagation', 'private', process.execPath, ...process.argv.slice(1)]
  const child = spawn('unshare', command, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
  return true
}

export class SmallDisk {
  constructor(folder, mib) {
    Object.assign(this, { folder, ballast: path.join(folder, 'ballast') })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'vitrine-soak', folder])
  }

  free_mib() {
    const { bavail, bsize } = statfsSync(this.folder)
    return (bavail * bsize) / 2 ** 20
  }

  /** Takes all that is free, so that the next new page fails. Called again, it takes what was freed meanwhile. */
  fill() {
    const { bavail, bsize } = statfsSync(this.folder)
    const most = bavail * bsize - REST_BYTES
    const file = openSync(this.ballast, 'a')
    try {
      if (most > 0 && !this.filled) execFileSync('fallocate', ['--length', String(most), this.ballast])
      this.filled = true
      for (;;) writeSync(file, PAGE)
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  relieve() {
    rmSync(this.ballast, { force: true })
    this.filled = false
  }

  unmount() {
    execFileSync('umount', [this.folder])
  }
}
