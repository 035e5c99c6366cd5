"""One end of TLS, by Python's ssl, in front of a plain peer: tls.py accept|dial PORT CA CERTIFICATE KEY

accept: listens with TLS and passes on to PORT without; dial: the other way round. Prints the port that it listens at.
"""
import asyncio, ssl, sys


def context(mode, ca, certificate, key):
    purpose = ssl.Purpose.CLIENT_AUTH if mode == "accept" else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    return context


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other pump ends as well
    finally:
        writer.close()


async def main(mode, port, *files):
    tls = context(mode, *files)
    outside = {"ssl": tls} if mode == "accept" else {}
    inside = {} if mode == "accept" else {"ssl": tls, "server_hostname": "localhost"}

    async def serve(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(port), **inside)
        except OSError:
            return writer.close()
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **outside)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
