package exchange

import (
	"golang.org/x/crypto/cryptobyte"
)

// TLS numbers (RFC 8446, sections 4, 4.2 and 5.1).
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23

	helloClient = 1
	helloServer = 2

	extServerName        = 0
	extALPN              = 16
	extPreSharedKey      = 41
	extSupportedVersions = 43
	extPSKModes          = 45

	versionTLS13 = 0x0304

	cipherSHA384 = 0x1302 // TLS_AES_256_GCM_SHA384
	cipherCCM8   = 0x1305 // TLS_AES_128_CCM_8_SHA256
)

// hello is what matters of a ClientHello or ServerHello.
type hello struct {
	name     []byte   // SNI
	alpn     [][]byte // offered, or the one chosen; points into the message
	version  uint16   // ServerHello: negotiated
	cipher   uint16   // ServerHello
	pskModes bool     // ClientHello: wants tickets (RFC 8446, section 4.2.9)
	resumed  bool     // ServerHello of TLS 1.3: a pre-shared key was taken
	retry    bool     // ServerHello: a HelloRetryRequest
}

// retryRandom is the Random that makes a ServerHello a HelloRetryRequest (RFC
// 8446, section 4.1.3).
const retryRandom = "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"

// parse reads the body of a hello. What can be read before an error is kept.
func (h *hello) parse(client bool, body []byte) bool {
	s := cryptobyte.String(body)
	var random, session, ciphers, compression, exts cryptobyte.String
	if !s.ReadUint16(&h.version) || !s.ReadBytes((*[]byte)(&random), 32) || !s.ReadUint8LengthPrefixed(&session) {
		return false
	}
	if client {
		if !s.ReadUint16LengthPrefixed(&ciphers) || !s.ReadUint8LengthPrefixed(&compression) {
			return false
		}
	} else {
		var method uint8
		if !s.ReadUint16(&h.cipher) || !s.ReadUint8(&method) {
			return false
		}
		h.retry = string(random) == retryRandom
	}
	if s.Empty() {
		return true
	}
	if !s.ReadUint16LengthPrefixed(&exts) {
		return false
	}
	for !exts.Empty() {
		var kind uint16
		var ext cryptobyte.String
		if !exts.ReadUint16(&kind) || !exts.ReadUint16LengthPrefixed(&ext) {
			return false
		}
		h.extension(client, kind, ext)
	}
	return true
}

func (h *hello) extension(client bool, kind uint16, ext cryptobyte.String) {
	switch kind {
	case extServerName:
		var list, name cryptobyte.String
		var typ uint8
		if client && ext.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&typ) && typ == 0 && list.ReadUint16LengthPrefixed(&name) {
			h.name = name
		}
	case extALPN:
		var list, name cryptobyte.String
		if !ext.ReadUint16LengthPrefixed(&list) {
			return
		}
		for len(h.alpn) < maxALPN && list.ReadUint8LengthPrefixed(&name) {
			h.alpn = append(h.alpn, name)
		}
	case extSupportedVersions:
		var v uint16
		if !client && ext.ReadUint16(&v) {
			h.version = v
		}
	case extPSKModes:
		h.pskModes = client
	case extPreSharedKey:
		h.resumed = !client
	}
}

// maxALPN bounds the protocols of an offer that are looked at.
const maxALPN = 4

// finishedSize is the length of a TLS 1.3 record that holds a Finished message
// alone: 4 bytes of header, the hash, the inner type and the tag.
func finishedSize(cipher uint16) int {
	switch cipher {
	case cipherSHA384:
		return 4 + 48 + 1 + 16
	case cipherCCM8:
		return 4 + 32 + 1 + 8
	}
	return 4 + 32 + 1 + 16
}

// tagSize is how many bytes TLS 1.3 adds to a record's plaintext: inner type
// and tag.
func tagSize(cipher uint16) int {
	if cipher == cipherCCM8 {
		return 1 + 8
	}
	return 1 + 16
}
