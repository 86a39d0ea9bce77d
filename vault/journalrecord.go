package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/trothdev/troth/internal/canon"
)

// A journal file is a header and records, each a line of text that ends in a
// newline. A record is what was appended at once, so that a write that was cut
// off damages one record, and that the last. docs/formats/vault.md has the bytes.
const (
	journalHeader = "troth erasure journal 1 "
	recordDomain  = "troth.vault.journal-record/1"
	headerLength  = len(journalHeader) + 32 + 1

	// recordLines and recordBytes bound what one record holds; one line always
	// fits.
	recordLines = 256
	recordBytes = 1 << 20
	// maxRecord is the length of the longest record as text.
	maxRecord = 2*hashHex + 2*recordLines + (recordBytes+MaxJournalLine)/3*4
	hashHex   = 2 * sha256.Size
)

// newHeader returns the header of a new file; what is random in it keeps the
// records of one file from being taken for another's.
func newHeader() []byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, crypto/rand documents
	return []byte(journalHeader + hex.EncodeToString(id[:]) + "\n")
}

// parseHeader returns the hash from which the chain of records begins.
func parseHeader(b []byte) (chain [32]byte, ok bool) {
	if len(b) != headerLength || !bytes.HasPrefix(b, []byte(journalHeader)) || b[len(b)-1] != '\n' {
		return chain, false
	}
	if _, ok := unhex(b[len(journalHeader) : len(b)-1]); !ok {
		return chain, false
	}
	return sha256.Sum256(b), true
}

// chainOn is the hash of a record behind another.
func chainOn(before [32]byte, lines [][]byte) [32]byte {
	b := canon.AppendBytes(canon.AppendDomain(nil, recordDomain), before[:])
	b = canon.AppendList(b, len(lines))
	for _, l := range lines {
		b = canon.AppendBytes(b, l)
	}
	return sha256.Sum256(b)
}

var recordText = base64.RawStdEncoding.Strict()

// appendRecord appends the text of a record with the given hash.
func appendRecord(b []byte, chain [32]byte, lines [][]byte) []byte {
	b = hex.AppendEncode(b, chain[:])
	for _, l := range lines {
		b = recordText.AppendEncode(append(b, ' '), l)
	}
	return append(b, '\n')
}

// parseRecord reads the text of a record, newline included, and accepts only
// what appendRecord writes. It does not look whether the hash is right.
func parseRecord(b []byte) (chain [32]byte, lines [][]byte, ok bool) {
	if len(b) > maxRecord || len(b) == 0 || b[len(b)-1] != '\n' {
		return chain, nil, false
	}
	words := bytes.Split(b[:len(b)-1], []byte{' '})
	sum, ok := unhex(words[0])
	if !ok || len(sum) != len(chain) || len(words) < 2 || len(words) > recordLines+1 {
		return chain, nil, false
	}
	copy(chain[:], sum)
	for _, w := range words[1:] {
		// Strict decoding still passes over line breaks, of which there is none
		// but "\r".
		if bytes.IndexByte(w, '\r') >= 0 {
			return chain, nil, false
		}
		l, err := recordText.AppendDecode(nil, w)
		if err != nil || len(l) == 0 || len(l) > MaxJournalLine {
			return chain, nil, false
		}
		lines = append(lines, l)
	}
	return chain, lines, true
}

// unhex decodes lower-case hex only.
func unhex(b []byte) ([]byte, bool) {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return nil, false
		}
	}
	out, err := hex.AppendDecode(nil, b)
	return out, err == nil
}
