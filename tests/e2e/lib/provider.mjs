// An OpenID provider on loopback: a certified implementation with its own pages, where any password signs anybody in.

import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

/**
 * @param {{port: number, client: string, secret: string, redirect: string}} registered what Vitrine is there
 * @returns {Promise<{issuer: string, stop: () => Promise<void>}>}
 */
export async function startProvider({ port, client, secret, redirect }) {
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client,
        client_secret: secret,
        redirect_uris: [redirect],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // Otherwise names and addresses come from another request only.
    conformIdTokenClaims: false,
    cookies: { keys: ['a key of a test'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, email: `${id}@example.com`, email_verified: !id.startsWith('unverified') }),
    }),
  })
  const server = createServer(provider.callback())
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    issuer,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Signs in on the provider's pages. */
export async function startAtProvider(page, login) {
  await page.getByPlaceholder('Enter any login').fill(login)
  await page.getByPlaceholder('and password').fill('anything')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).waitFor()
}

/** Agrees that Vitrine is told who it is. */
export const agreeAtProvider = (page) => page.getByRole('button', { name: 'Continue' }).click()

export async function atProvider(page, login) {
  await startAtProvider(page, login)
  await agreeAtProvider(page)
}
