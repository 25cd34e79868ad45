"""A certificate authority for one run: a root, an intermediate and a certificate for the names of AWS, RSA 2048 as AWS's are.
Knows nothing of who serves under them; leaves nothing behind but what is in its folder."""

import pathlib
import ssl
import subprocess

CIPHER_SUITE = "TLS_AES_128_GCM_SHA256"
PURPOSE = "extendedKeyUsage=serverAuth,clientAuth\n"
ROOT_EXTENSIONS = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
INTERMEDIATE_EXTENSIONS = "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,digitalSignature,keyCertSign,cRLSign\n" + PURPOSE
LEAF_EXTENSIONS = "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature,keyEncipherment\n" + PURPOSE


class Authority:
    def __init__(self, folder: pathlib.Path, names: list[str]):
        self._folder = folder
        self._issue("root", "Benchmark Root CA 1", ROOT_EXTENSIONS, by="root")
        self._issue("intermediate", "Benchmark RSA 2048 M01", INTERMEDIATE_EXTENSIONS, by="root")
        alternatives = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n"
        self._issue("leaf", names[0], LEAF_EXTENSIONS + alternatives, by="intermediate")
        self.root = folder / "root.pem"
        self._chain = folder / "chain.pem"
        self._chain.write_text((folder / "leaf.pem").read_text() + (folder / "intermediate.pem").read_text())

    def _issue(self, who: str, name: str, extensions: str, by: str):
        file = {kind: self._folder / f"{who}.{kind}" for kind in ("ext", "key", "csr", "pem")}
        file["ext"].write_text(extensions)
        subject = ["-subj", f"/C=US/O=Benchmark/CN={name}"]
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", file["key"], "-out", file["csr"])
        signer = ["-signkey", file["key"]]
        if who != by:
            signer = ["-CA", self._folder / f"{by}.pem", "-CAkey", self._folder / f"{by}.key", "-CAcreateserial"]
        given = ["-days", "7", "-in", file["csr"], "-extfile", file["ext"], *signer]
        self._openssl("x509", "-req", "-sha256", *given, "-out", file["pem"])

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")

    def server_side(self) -> ssl.SSLContext:
        """TLS 1.3 and nothing older, with the cipher suite that Lambda and S3 choose."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        first = context.get_ciphers()[0]["name"]
        if first != CIPHER_SUITE:
            raise RuntimeError(f"another cipher suite than Lambda's: got `{first}`, let OPENSSL_CONF name openssl.cnf beside this file")
        context.load_cert_chain(self._chain, self._folder / "leaf.key")
        return context

    def bundle(self, *others: pathlib.Path | str) -> pathlib.Path:
        """The root behind these roots, as an operator would append it to the bundle that a client has."""
        bundle = self._folder / f"bundle-{len(list(self._folder.glob('bundle-*')))}.pem"
        bundle.write_text("".join(pathlib.Path(other).read_text() for other in [*others, self.root]))
        return bundle
