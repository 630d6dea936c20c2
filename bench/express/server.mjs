// The token service's two routes as many would write them: Express, and redis as the only store. A yardstick, nothing else.
// Usage: server.mjs REDIS_SOCKET KEY. Prints its port.

import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import express from 'express'
import { createClient } from 'redis'

const [socket, key] = process.argv.slice(2)
const LIFETIME_S = 3600
const redis = createClient({ socket: { path: socket } })
await redis.connect()
const hash = (text) => createHash('sha256').update(text).digest()
const known = hash(key)

const app = express()
app.post('/generate', express.json(), async (request, response) => {
  if (!timingSafeEqual(hash(request.get('x-api-key') ?? ''), known)) {
    response.status(403).json({ message: 'Wrong api key' })
    return
  }
  const token = randomUUID()
  // Redis answers after its log is on disk (appendfsync always).
  await redis.set(hash(token).toString('hex'), JSON.stringify({ ...request.body, auth: 'acme' }), { EX: LIFETIME_S })
  response.json({ token, expiration_time: Math.floor(Date.now() / 1000) + LIFETIME_S })
})
app.get('/verify', async (request, response) => {
  const found = await redis.get(hash(request.get('x-api-token') ?? '').toString('hex'))
  if (found === null) {
    response.status(403).json({ message: 'Wrong token' })
    return
  }
  response.type('json').send(found)
})
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
