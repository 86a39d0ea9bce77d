// Tinkv1vectors makes vault/testdata/tinkv1.json: keysets and values as
// github.com/google/tink/go makes them, the archived predecessor of tink-go/v2.
// No program can link both, so it has a module of its own outside of the
// workspace:
//
//	cd internal/tinkv1vectors && GOWORK=off go run . >../../vault/testdata/tinkv1.json
//
// Everything in the file is fresh and random; none of it was ever secret.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"

	"github.com/google/tink/go/aead"
	"github.com/google/tink/go/insecurecleartextkeyset"
	"github.com/google/tink/go/keyset"
	"github.com/google/tink/go/proto/tink_go_proto"
	"github.com/google/tink/go/tink"
)

// vectors is the file.
type vectors struct {
	// Master is a cleartext keyset in JSON, under which the others lie.
	Master         json.RawMessage `json:"master"`
	AssociatedData []byte          `json:"associatedData"`
	Keysets        []vector        `json:"keysets"`
}

// vector is one keyset and what it sealed.
type vector struct {
	Name string `json:"name"`
	// Encrypted is an EncryptedKeyset, Binary in its binary form and bound to
	// AssociatedData, JSON in text and bound to nothing.
	Binary []byte          `json:"binary"`
	JSON   json.RawMessage `json:"json"`
	// Values are sealed by its keys, the primary's last.
	Values []value `json:"values"`
}

type value struct {
	KeyID          uint32 `json:"keyId"`
	Plaintext      string `json:"plaintext"`
	AssociatedData []byte `json:"associatedData"`
	Sealed         []byte `json:"sealed"`
}

func main() {
	master, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	check(err)
	over, err := aead.New(master)
	check(err)
	v := vectors{AssociatedData: []byte("keysets of shop-17")}
	var text bytes.Buffer
	check(insecurecleartextkeyset.Write(master, keyset.NewJSONWriter(&text)))
	v.Master = text.Bytes()
	crunchy := aead.AES256GCMKeyTemplate()
	crunchy.OutputPrefixType = tink_go_proto.OutputPrefixType_CRUNCHY
	for _, k := range []struct {
		name     string
		template *tink_go_proto.KeyTemplate
	}{
		{"tink", aead.AES256GCMKeyTemplate()},
		{"raw", aead.AES256GCMNoPrefixKeyTemplate()},
		{"crunchy", crunchy},
		{"aes-128", aead.AES128GCMKeyTemplate()},
		{"xchacha", aead.XChaCha20Poly1305KeyTemplate()},
		{"aes-ctr-hmac", aead.AES256CTRHMACSHA256KeyTemplate()},
	} {
		v.Keysets = append(v.Keysets, make1(k.name, k.template, over, v.AssociatedData))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	check(out.Encode(v))
}

// make1 makes a keyset that was rotated twice, with a value of each key.
func make1(name string, template *tink_go_proto.KeyTemplate, over tink.AEAD, ad []byte) vector {
	v := vector{Name: name}
	manager := keyset.NewManager()
	for _, plaintext := range []string{"", "ada@example.org", "a longer text than one block of the cipher"} {
		id, err := manager.Add(template)
		check(err)
		check(manager.SetPrimary(id))
		handle, err := manager.Handle()
		check(err)
		primitive, err := aead.New(handle)
		check(err)
		for _, own := range [][]byte{nil, []byte("customer/email")} {
			sealed, err := primitive.Encrypt([]byte(plaintext), own)
			check(err)
			v.Values = append(v.Values, value{KeyID: id, Plaintext: plaintext, AssociatedData: own, Sealed: sealed})
		}
	}
	handle, err := manager.Handle()
	check(err)
	var b, text bytes.Buffer
	check(handle.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), over, ad))
	check(handle.Write(keyset.NewJSONWriter(&text), over))
	v.Binary, v.JSON = b.Bytes(), text.Bytes()
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
