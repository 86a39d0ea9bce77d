package audittest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
)

func TestRecorder_ChecksPartsAndKeepsThem(t *testing.T) {
	letter := &troth.Act{Name: "test.letter", Version: 1, Parts: []troth.PartSpec{{Name: "text"}}}
	r := audittest.NewRecorder(memory.Open())
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "s"})
	record := func(name string) error {
		_, err := r.Record(ctx, troth.Entry{
			Act: letter, Tenant: "acme", SubjectID: "17",
			Parts: []troth.Part{{Name: name, Content: troth.Protect([]byte("canary"))}},
		})
		return err
	}
	if err := record("text"); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*troth.ActError](record("other")); !ok {
		t.Error("a part that the act does not declare was kept")
	}
	kept := r.Of("test.letter")
	if len(kept) != 1 {
		t.Fatalf("%d entries", len(kept))
	}
	content, err := kept[0].Parts[0].Content.Reveal("test")
	if err != nil || string(content) != "canary" {
		t.Errorf("the content is %q, %v", content, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", kept, kept, kept); strings.Contains(text, "canary") {
		t.Error("an entry prints its payload")
	}
}
