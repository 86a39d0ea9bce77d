package keyfile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/keyfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "keyfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "troth.keys")

	fmt.Println(keyfile.Create(path, "open sesame"))
	_, err = keyfile.Open(path, "open barley")
	fmt.Println(err)
	keys, err := keyfile.Open(path, "open sesame")
	fmt.Println(err)
	ref := troth.KeyRef{Tenant: "acme", Use: "shop.links", ID: "1"}
	one, err := keys.MAC(context.Background(), ref, []byte("17"))
	fmt.Println(err)
	two, err := keys.MAC(context.Background(), ref, []byte("17"))
	fmt.Println(one == two, err)
	// Output:
	// <nil>
	// keyfile: wrong passphrase
	// <nil>
	// <nil>
	// true <nil>
}
