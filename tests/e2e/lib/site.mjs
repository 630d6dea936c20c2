// A customer's web site: pages with the headers that a test wants, on an origin of its own.

import { createServer } from 'node:http'
import { once } from 'node:events'

/**
 * @param {Record<string, {html: string, headers?: Record<string, string>}>} pages by path
 * @returns {Promise<{origin: string, stop: () => Promise<void>}>}
 */
export async function startSite(pages) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    const found = pages[pathname]
    const headers = { 'content-type': 'text/html; charset=utf-8', ...found?.headers }
    response.writeHead(found ? 200 : 404, headers).end(found?.html ?? '')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const page = (body) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Customer</title></head><body>${body}</body></html>`

/** A page with the viewer's element. */
export const elementPage = (base, ticket) =>
  page(`<script type="module" src="${base}/viewer/vitrine-viewer.js"></script><vitrine-viewer ticket="${ticket}" style="height:600px"></vitrine-viewer>`)

/** A page with an iframe; `attributes` are those of the element. */
export const framePage = (source, attributes = '') =>
  page(`<iframe src="${source}" title="Model" width="1000" height="650" ${attributes}></iframe>`)

/** A page with a sandboxed iframe that holds the element. */
export const sandboxPage = (base, ticket) =>
  page(`<iframe sandbox="allow-scripts" title="Model" width="1000" height="650" srcdoc='${elementPage(base, ticket)}'></iframe>`)
