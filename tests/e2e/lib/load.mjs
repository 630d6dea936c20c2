// Clients that work on many connections at once while the server under them is killed.

import assert from 'node:assert/strict'
import http from 'node:http'

/**
 * Does `one(agent)` again and again on so many connections, until `count()` has reached `goal`; `kill` then comes in the middle of the next
 * ones. A connection may break only because of it. At `most` the clients rest.
 * @param {{ connections: number, count: () => number, goal: number, most?: number, one: (agent: http.Agent) => Promise<void>, kill: () => Promise<void> }} load
 */
export async function loadUntilKilled({ connections, count, goal, most = Infinity, one, kill }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  let going = true
  let reached
  const enough = new Promise((resolve) => (reached = resolve))
  const clients = Array.from({ length: connections }, async () => {
    while (going && count() < most) {
      try {
        await one(agent)
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error
        // The connection broke because the server is gone. Before that, it would have had to hold.
        if (going) assert.ok(count() >= goal, `a connection broke while the server was alive: ${error.message}`)
        return
      }
      if (count() >= goal) reached()
    }
  })
  const done = Promise.allSettled(clients).then((all) => (reached(), all))
  await enough
  await kill()
  going = false
  agent.destroy()
  for (const { reason } of await done) if (reason) throw reason
}
