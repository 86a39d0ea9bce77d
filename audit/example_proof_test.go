package audit_test

import (
	"fmt"
	"os"

	"github.com/trothdev/troth/audit"
)

// What a stranger does with two files: the keys that the log's owner published,
// and the proof of one entry.
func ExampleVerifyProof() {
	keys, err := os.ReadFile("testdata/verifiers.pub")
	if err != nil {
		panic(err)
	}
	bundle, err := os.ReadFile("testdata/inclusion.tlog-proof")
	if err != nil {
		panic(err)
	}
	verifiers, err := audit.ParseVerifiers(string(keys))
	if err != nil {
		panic(err)
	}
	proven, err := audit.VerifyProof(bundle, verifiers)
	if err != nil {
		panic(err)
	}
	fmt.Println(proven.Entry.Act, "is entry", proven.Leaf.Index, "of", proven.Checkpoint.Origin)
	for _, s := range proven.Signatures {
		fmt.Println("signed by", s.Name)
	}
	// Output:
	// test.everything is entry 5 of log.example/audit
	// signed by log.example/audit
	// signed by witness.example/w
}
