package unsubscribe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// vectorKeys gives what docs/formats/unsubscribe.md says: the same for every
// reference.
type vectorKeys struct{ troth.Keys }

func (vectorKeys) MAC(_ context.Context, _ troth.KeyRef, message []byte) ([32]byte, error) {
	var key [32]byte
	for i := range key {
		key[i] = byte(i)
	}
	h := hmac.New(sha256.New, key[:])
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

// TestFormats_RegistryVectors keeps the page true.
func TestFormats_RegistryVectors(t *testing.T) {
	file, err := os.ReadFile("../docs/formats/unsubscribe.md")
	require.NoError(t, err)
	page := string(file)
	e := Event{
		ID: "click-1", Kind: KindOptOut, Place: Place{"acme", List, "letter"}, Channel: Email, Method: ByOneClick,
		At: time.UnixMicro(1_795_000_000_000_001).UTC(), RecordedAt: time.UnixMicro(1_795_000_000_000_002).UTC(),
		Generation: 3, HasEvidence: true,
	}
	hash := e.Hash()
	require.Contains(t, page, strconv.Itoa(len(e.record()))+" bytes, hash\n`"+hex.EncodeToString(hash[:])+"`")
	back, err := parseEvent(e.record())
	require.NoError(t, err)
	require.Equal(t, e, back)
	for _, claimed := range []int64{-1, 0, 1_795_000_000_000_003} {
		e.Claimed = time.UnixMicro(claimed).UTC()
		back, err := parseEvent(e.record())
		require.NoError(t, err)
		require.Equal(t, e, back)
	}
	e.Claimed = e.RecordedAt // which can be: it is no claim
	_, err = parseEvent(e.record())
	require.ErrorIs(t, err, ErrRecord)
	for epoch := range uint32(2) {
		r, err := newRing(t.Context(), vectorKeys{}, "acme", epoch+1)
		require.NoError(t, err)
		h := Hasher{}
		differs, err := h.forms(Email, "Ada@Example.org")
		require.NoError(t, err)
		require.Contains(t, page, "`"+h.pair(r, differs).Exact.Hex()+"`")
	}
}

// FuzzEvent: what is read is written the same.
func FuzzEvent(f *testing.F) {
	e := Event{
		ID: "1", Kind: KindOptIn, Place: Place{"acme", Client, ""}, Channel: SMS, Method: ByReply, Origin: "o", Reference: "r", Provider: "p",
		At: time.UnixMicro(1).UTC(), RecordedAt: time.UnixMicro(2).UTC(),
	}
	f.Add(e.record())
	e.Claimed = time.UnixMicro(3).UTC()
	f.Add(e.record())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEvent(b)
		if err != nil {
			require.ErrorIs(t, err, ErrRecord)
			return
		}
		require.Equal(t, b, e.record())
	})
}
