package audit

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The example of the signed-note format.
const (
	specNoteKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
	specNote    = "This is an example message.\n\n— example.com/foo " +
		"Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

func TestParseNote_ReadsTheExampleOfTheFormat(t *testing.T) {
	n, err := parseNote([]byte(specNote))
	require.NoError(t, err)
	k, err := parsePublicKey(specNoteKey, logKeyType)
	require.NoError(t, err)
	assert.Equal(t, k.id, n.sigs[0].id)
	assert.True(t, k.verify(n.body, n.sigs[0].raw))
	assert.Equal(t, specNote, string(n.marshal()))
}

func TestParseNote_ReadsTheExampleOfCosignatures(t *testing.T) {
	n, err := parseNote([]byte("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
		"— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" +
		"— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"))
	require.NoError(t, err)
	require.Len(t, n.sigs, 2)
	// The format's text gives no keys, but the time.
	assert.Equal(t, uint64(1679315147), binary.BigEndian.Uint64(n.sigs[1].raw))
}

func FuzzParseNote(f *testing.F) {
	f.Add([]byte(specNote))
	f.Add([]byte("a\n\nb\n\n— c AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNote(b)
		if err == nil && !bytes.Equal(n.marshal(), b) {
			t.Fatalf("%q was read as %q", b, n.marshal())
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add([]byte("a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntroth.tenants/1 " +
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntroth.signed/1 5\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cp, err := parseCheckpoint(b)
		if err == nil && !bytes.Equal(cp.body(), b) {
			t.Fatalf("%q was read as %q", b, cp.body())
		}
	})
}
