package vault_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// TestMAC_OfManyAtOnce: each is that of its own message under its own key, whoever else
// hashes meanwhile, and whatever was hashed before.
func TestMAC_OfManyAtOnce(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	const keys, messages = 3, 50
	ref := func(k int) troth.KeyRef { return troth.KeyRef{Tenant: shop, Use: "tests", ID: string(rune('a' + k))} }
	message := func(m int) []byte { return binary.BigEndian.AppendUint64(make([]byte, m), uint64(m)) }
	var alone [keys][messages][32]byte
	seen := map[[32]byte]bool{}
	for k := range keys {
		for m := range messages {
			mac, err := w.vault().MAC(w.ctx, ref(k), message(m)) // a vault that has hashed nothing
			require.NoError(t, err)
			alone[k][m] = mac
			seen[mac] = true
		}
	}
	require.Len(t, seen, keys*messages)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for m := range messages {
				for k := range keys {
					mac, err := v.MAC(w.ctx, ref(k), message(m))
					if err != nil || mac != alone[k][m] {
						t.Errorf("message %d under key %d is another: %v", m, k, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkMAC is of a message as long as most records.
func BenchmarkMAC(b *testing.B) {
	v, ctx := benchVault(b)
	message := make([]byte, 250)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.MAC(ctx, someKey, message); err != nil {
			b.Fatal(err)
		}
	}
}
