package audit

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzGlance demands that verification, which only glances at leaves, sees in each
// what who reads all of it sees.
func FuzzGlance(f *testing.F) {
	for _, name := range []string{"small", "full"} {
		text, err := os.ReadFile("testdata/envelope-" + name + ".hex")
		require.NoError(f, err)
		envelope, err := hex.DecodeString(string(bytes.Join(bytes.Fields(text), nil)))
		require.NoError(f, err)
		for _, number := range []uint64{1, 2} {
			f.Add(Leaf{Index: 5, Number: number, SequencedAt: time.UnixMicro(1), Envelope: envelope}.Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		leaf, env, err := ParseLeaf(b)
		if err != nil {
			_, _ = glanceAt(b)
			return
		}
		g, ok := glanceAt(b)
		row := LogRow{
			Index: leaf.Index, Number: leaf.Number, Tenant: env.Tenant, ID: env.ID,
			RecordedAt: env.RecordedAt.UnixMicro(), Act: env.Act, Subject: env.Subject,
		}
		if !ok || !g.fits(&row) || g.commitments != len(env.Commitments) || g.prev != nil && [32]byte(g.prev) != leaf.Prev {
			t.Fatalf("glanced at %+v, read %+v of %x", g, row, b)
		}
	})
}
