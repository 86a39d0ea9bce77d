package vault_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func TestVault_ValueDoesNotOpenInAnotherPlace(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	home := emailOf(shop, "42", profile)
	sealed := w.seal(v, home, "ada")
	moves := map[string]func(*troth.Context){
		"row":         func(at *troth.Context) { at.Cell.Row = "43" },
		"column":      func(at *troth.Context) { at.Cell.Column = "phone" },
		"table":       func(at *troth.Context) { at.Cell.Table = "lead" },
		"compartment": func(at *troth.Context) { at.Compartment = invoice },
		"subject":     func(at *troth.Context) { at.Subject.ID = "43" },
		"tenant":      func(at *troth.Context) { at.Subject.Tenant = bakery },
		"bytes moved from the column to the table": func(at *troth.Context) {
			at.Cell.Table, at.Cell.Column = "customere", "mail"
		},
	}
	for name, move := range moves {
		for _, keyed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				at := home
				move(&at)
				if keyed { // the place has a key of its own, or shares the right one
					w.seal(v, at, "somebody else")
				}
				got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
				require.ErrorIs(t, err, vault.ErrOpen)
				require.Nil(t, got)
				assert.EqualError(t, err, vault.ErrOpen.Error(), "the text must not tell which check failed")
			})
		}
	}
	w.opens(v, home, sealed, "ada")
}

func TestVault_ChangedValueDoesNotOpen(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "a value of forty bytes or thereabouts...")
	refused := func(t *testing.T, b []byte) {
		t.Helper()
		got, err := v.AppendOpen(w.ctx, nil, at, orders, b)
		require.EqualError(t, err, vault.ErrOpen.Error())
		require.Nil(t, got)
	}
	t.Run("every bit", func(t *testing.T) {
		for i := range sealed {
			for bit := range 8 {
				b := bytes.Clone(sealed)
				b[i] ^= 1 << bit
				refused(t, b)
			}
		}
	})
	t.Run("every truncation at the end", func(t *testing.T) {
		for n := range sealed {
			refused(t, sealed[:n])
		}
	})
	t.Run("every truncation in front", func(t *testing.T) {
		for n := 1; n <= len(sealed); n++ {
			refused(t, sealed[n:])
		}
	})
	t.Run("more bytes", func(t *testing.T) {
		refused(t, append(bytes.Clone(sealed), 0))
		refused(t, append([]byte{0}, sealed...))
	})
	t.Run("head of one and body of another", func(t *testing.T) {
		other := w.seal(v, at, "a value of forty bytes as well, or so...")
		for _, cut := range []int{17, 20, len(sealed) - 16} {
			refused(t, append(bytes.Clone(sealed[:cut]), other[cut:]...))
		}
	})
	w.opens(v, at, sealed, "a value of forty bytes or thereabouts...")
}

func TestVault_SealsAnySize(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	for _, size := range []int{0, 1, 15, 16, 17, 64, 1 << 10, 1<<20 + 3} {
		plaintext := strings.Repeat("x", size)
		sealed := w.seal(v, at, plaintext)
		require.Len(t, sealed, size+vault.Overhead)
		w.opens(v, at, sealed, plaintext)
	}
}

func TestVault_AppendsToDst(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	for _, room := range []int{0, 3, 200} {
		dst := append(make([]byte, 0, 6+room), "prefix"...)
		sealed, err := v.AppendSeal(w.ctx, dst, at, []byte("ada"))
		require.NoError(t, err)
		require.Equal(t, "prefix", string(sealed[:6]))
		require.Len(t, sealed, 6+3+vault.Overhead)

		plain, err := v.AppendOpen(w.ctx, dst, at, orders, sealed[6:])
		require.NoError(t, err)
		require.Equal(t, "prefixada", string(plain))
	}
}

func TestVault_ErrorLeavesTheBytesOfDst(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada lovelace")
	sealed[len(sealed)-1] ^= 1
	buf := bytes.Repeat([]byte{0xAA}, 64)
	got, err := v.AppendOpen(w.ctx, buf[:8], at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrOpen)
	require.Nil(t, got)
	assert.Equal(t, bytes.Repeat([]byte{0xAA}, 8), buf[:8])
	assert.NotContains(t, string(buf), "ada")
}

func TestVault_NoncesAreUnique(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	const seals = 100_000
	seen := make(map[[12]byte]bool, seals)
	var sealed []byte
	for range seals {
		var err error
		sealed, err = v.AppendSeal(w.ctx, sealed[:0], at, nil)
		require.NoError(t, err)
		seen[[12]byte(sealed[5:17])] = true
	}
	require.Len(t, seen, seals)
}

func TestVault_RefusesInvalidPlaces(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	home := emailOf(shop, "42", profile)
	sealed := w.seal(v, home, "ada")
	for name, spoil := range map[string]func(*troth.Context){
		"tenant":      func(at *troth.Context) { at.Subject.Tenant = "" },
		"reserved":    func(at *troth.Context) { at.Subject.Tenant = "~mine" },
		"subject":     func(at *troth.Context) { at.Subject.ID = "a\x00b" },
		"compartment": func(at *troth.Context) { at.Compartment = "" },
		"table":       func(at *troth.Context) { at.Cell.Table = "" },
		"column":      func(at *troth.Context) { at.Cell.Column = "\xff" },
		"row":         func(at *troth.Context) { at.Cell.Row = strings.Repeat("r", troth.MaxIdentifier+1) },
	} {
		t.Run(name, func(t *testing.T) {
			at := home
			spoil(&at)
			var refused *troth.IdentifierError
			_, err := v.AppendSeal(w.ctx, nil, at, nil)
			require.ErrorAs(t, err, &refused)
			_, err = v.AppendOpen(w.ctx, nil, at, orders, sealed)
			require.ErrorAs(t, err, &refused)
			_, err = vault.AssociatedData(at)
			require.ErrorAs(t, err, &refused)
		})
	}
}

func TestAssociatedData_Golden(t *testing.T) {
	aad, err := vault.AssociatedData(emailOf(shop, "42", profile))
	require.NoError(t, err)
	assert.Equal(t, ""+
		"01"+"00000013"+"74726f74682e7661756c742e76616c75652f31"+ // troth.vault.value/1
		"02"+"00000007"+"73686f702d3137"+ // shop-17
		"02"+"00000002"+"3432"+ // 42
		"02"+"00000007"+"70726f66696c65"+ // profile
		"02"+"00000008"+"637573746f6d6572"+ // customer
		"02"+"00000005"+"656d61696c"+ // email
		"02"+"00000002"+"3432", // 42
		hex.EncodeToString(aad))
}
