package vault_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

const benchPurpose troth.Purpose = "order-fulfilment"

func benchVault(b *testing.B, opts ...vault.Option) (*vault.Vault, context.Context) {
	b.Helper()
	db := memory.Open()
	v, err := vault.Open(b.Context(), vault.Config{
		Store: vaultmem.New(db), KEK: vaulttest.InsecureKEK(), Recorder: troth.UnsafeNoEvidence(db),
	}, opts...)
	if err != nil {
		b.Fatal(err)
	}
	return v, troth.WithActor(b.Context(), troth.Actor{Kind: troth.Service, ID: "bench"})
}

func benchAt(subject string) troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: "shop-17", ID: subject},
		Compartment: "profile",
		Cell:        troth.Cell{Table: "customer", Column: "email", Row: "4711"},
	}
}

func rawGCM(b *testing.B) cipher.AEAD {
	b.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return newRawGCM(b, key)
}

func newRawGCM(b *testing.B, key []byte) cipher.AEAD {
	b.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	return aead
}

var benchSizes = []int{64, 1024}

// BenchmarkSeal compares sealing with raw AES-256-GCM under a random nonce and
// the same associated data.
func BenchmarkSeal(b *testing.B) {
	for _, size := range benchSizes {
		plaintext := make([]byte, size)
		at := benchAt("42")
		aad, err := vault.AssociatedData(at)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 0, size+vault.Overhead)
		b.Run(fmt.Sprintf("raw/%d", size), func(b *testing.B) {
			aead := rawGCM(b)
			b.ReportAllocs()
			for b.Loop() {
				buf = aead.Seal(buf[:0], nil, plaintext, aad)
			}
		})
		b.Run(fmt.Sprintf("vault/%d", size), func(b *testing.B) {
			v, ctx := benchVault(b)
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = v.AppendSeal(ctx, buf[:0], at, plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("handle/%d", size), func(b *testing.B) {
			v, ctx := benchVault(b)
			h, err := v.For(ctx, at.Subject, at.Compartment, "")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = h.AppendSeal(ctx, buf[:0], at.Cell, plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is BenchmarkSeal the other way, as a service whose openings are
// counted.
func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		plaintext := make([]byte, size)
		at := benchAt("42")
		aad, err := vault.AssociatedData(at)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 0, size)
		b.Run(fmt.Sprintf("raw/%d", size), func(b *testing.B) {
			aead := rawGCM(b)
			sealed := aead.Seal(nil, nil, plaintext, aad)
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = aead.Open(buf[:0], nil, sealed, aad); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("vault/%d", size), func(b *testing.B) {
			v, ctx := benchVault(b)
			sealed, err := v.AppendSeal(ctx, nil, at, plaintext)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = v.AppendOpen(ctx, buf[:0], at, benchPurpose, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("handle/%d", size), func(b *testing.B) {
			v, ctx := benchVault(b)
			h, err := v.For(ctx, at.Subject, at.Compartment, benchPurpose)
			if err != nil {
				b.Fatal(err)
			}
			sealed, err := h.AppendSeal(ctx, nil, at.Cell, plaintext)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = h.AppendOpen(ctx, buf[:0], at.Cell, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
