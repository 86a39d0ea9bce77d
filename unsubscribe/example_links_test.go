package unsubscribe_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

func exampleKeys() (*keyfile.Keys, error) {
	dir, err := os.MkdirTemp("", "links")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "troth.keys")
	if err := keyfile.Create(path, "open sesame"); err != nil {
		return nil, err
	}
	return keyfile.Open(path, "open sesame")
}

func ExampleLinks() {
	keys, err := exampleKeys()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: keys, Base: "https://mail.shop.example"})
	fmt.Println(err, links.SelfTest(ctx))
	_, fields, err := links.Headers(ctx, unsubscribe.Ticket{
		Tenant: "shop", List: "weekly", Channel: unsubscribe.Email, Address: troth.Protect("ada@example.org"), SentAt: time.Now(),
	}, unsubscribe.ListHeaders{
		Mailto: "leave@shop.example", List: unsubscribe.ListID{Title: "Weekly", Label: "weekly", Domain: "shop.example"},
	})
	for _, f := range fields {
		name, _, _ := strings.Cut(f.String(), ":")
		fmt.Println(name)
	}
	fmt.Println(fields[1].Value, err)
	// Output:
	// <nil> <nil>
	// List-Unsubscribe
	// List-Unsubscribe-Post
	// List-Id
	// List-Unsubscribe=One-Click <nil>
}

func ExamplePages() {
	keys, err := exampleKeys()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	store := unsubscribemem.New(memory.Open())
	registry, err := unsubscribe.New(ctx, unsubscribe.Config{
		Store: store, Recorder: troth.UnsafeNoEvidence(store.Transactor()), Keys: keys,
	})
	fmt.Println(err)
	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: keys, Base: "https://mail.shop.example"})
	fmt.Println(err)
	pages, err := unsubscribe.NewPages(unsubscribe.PagesConfig{Registry: registry, Links: links, Home: "shop"})
	fmt.Println(err)
	mux := http.NewServeMux()
	mux.Handle("/u/", pages)
	mux.Handle("/stop", pages)

	// What a mailbox provider posts when its user presses "unsubscribe".
	ada := troth.Protect("ada@example.org")
	link, err := links.URL(ctx, unsubscribe.Ticket{
		Action: unsubscribe.ActionStop, Tenant: "shop", List: "weekly", Channel: unsubscribe.Email, Address: ada, SentAt: time.Now(),
	})
	fmt.Println(err)
	post := httptest.NewRequest(http.MethodPost, link, strings.NewReader("List-Unsubscribe=One-Click"))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, post)
	d, err := registry.Check(ctx, unsubscribe.Campaign{
		Tenant: "shop", List: "weekly", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
	}, ada)
	fmt.Println(answer.Code, d.Send, d.Reason, err)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// 200 false opt_out <nil>
}
