package export_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/trothdev/troth/rights/export"
)

// page is docs/formats/export.md.
func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/formats/export.md")
	require.NoError(t, err)
	return string(b)
}

func contentOf(t *testing.T, w *world, archive []byte, path string) string {
	t.Helper()
	for _, f := range contents(t, w.zip(archive)) {
		if f.path == path {
			return string(f.content)
		}
	}
	t.Fatalf("no %s", path)
	return ""
}

// elements counts the elements of a page, and collects what an attack would be made of.
func elements(t *testing.T, text string) (counts map[string]int, attributes []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	counts = map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		counts[n.Data]++
		for _, a := range n.Attr {
			attributes = append(attributes, a.Key+"="+a.Val)
		}
	}
	return counts, attributes
}

// Hostile text stays text: the page has the same elements with it as without.
func TestIndex_HostileTextStaysText(t *testing.T) {
	w := newWorld(t)
	write := func(text func(string) string) string {
		w.config.Controller = text("controller")
		w.config.Sheet = sheetOf(text)
		archive := w.write(func(x *export.Writer) {
			for i, h := range hostile {
				if strings.ToValidUTF8(h, "") != h {
					continue
				}
				copyAll(t, x, export.Source{Name: string(rune('a'+i%26)) + string(rune('a'+i/26)), Title: text(h), Types: []export.Type{{
					Name: "order", Title: text(h), Category: text(h), About: export.Person,
					Columns: []export.Column{{Name: "remark", Title: text(h)}, {Name: "scan"}},
				}}}, order(text(h), export.Text("remark", text(h)), export.File("scan", export.FileOf(text(h), "", nil))))
			}
		})
		return contentOf(t, w, archive, "index.html") + contentOf(t, w, archive, "information.html")
	}
	attack := func(s string) string {
		if clean(s) {
			return s + `"><script>alert(1)</script><img src=x onerror=alert(1)></bdi></table></main>'` + "`{{.}}"
		}
		return "x"
	}
	plain, _ := elements(t, write(func(string) string { return "x" }))
	broken, attributes := elements(t, write(attack))
	delete(plain, "span")
	delete(broken, "span")
	require.Equal(t, plain, broken)
	require.Zero(t, broken["script"])
	require.Zero(t, broken["img"])
	for _, a := range attributes {
		require.False(t, strings.HasPrefix(a, "on"), a)
		require.False(t, strings.HasPrefix(a, "src="), a)
		if link, ok := strings.CutPrefix(a, "href="); ok {
			require.Regexp(t, `^[a-z0-9_./-]+$`, link)
		}
	}
}

// clean reports whether names may hold the text.
func clean(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || 0x7f <= r && r <= 0x9f || strings.ContainsRune("\u202e\u2066\u2069\u2028\u2029\ufeff\ufffd", r)
	})
}

// What cannot be seen, or turns text around, is shown by its number.
func TestIndex_ShowsWhatCannotBeSeen(t *testing.T) {
	w := newWorld(t)
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, orders, order("1", export.Text("a", "\u202egnp.exe\x00\x1b")))
	})
	text := contentOf(t, w, archive, "index.html")
	require.Contains(t, text, `<span class="hidden">U&#43;202E</span>gnp.exe<span class="hidden">U&#43;0000</span>`)
	require.NotContains(t, text, "\u202e")
	require.NotContains(t, text, "\x00")
}

func TestIndex_CutsLargeTablesAndPointsToTheFile(t *testing.T) {
	w := newWorld(t)
	archive := w.write(func(x *export.Writer) {
		require.NoError(t, x.Copy(t.Context(), orders, many(5000)))
	})
	text := contentOf(t, w, archive, "index.html")
	require.Contains(t, text, "50 of 5000 are shown here")
	require.Contains(t, text, `<a href="data/shop/order.csv">CSV</a>`)
	require.Less(t, len(text), 100_000)
	wide := w.write(func(x *export.Writer) {
		copyAll(t, x, orders, order("1", export.Text("a", strings.Repeat("long ", 10_000))))
	})
	require.Less(t, len(contentOf(t, w, wide, "index.html")), 20_000)
}

func TestPages_AreInEveryLanguage(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, language := range export.Languages() {
		w.config.Language = language + "-XX"
		w.config.Sheet = sheetOf(func(s string) string { return s })
		archive := w.write(func(x *export.Writer) {
			for i, reason := range export.Reasons() {
				require.NoError(t, x.Missing(export.Source{Name: string(rune('a' + i))}, reason))
			}
			copyAll(t, x, export.Source{Name: "z"})
		})
		for _, path := range []string{"index.html", "information.html"} {
			text := contentOf(t, w, archive, path)
			require.Contains(t, text, `<html lang="`+language+`">`)
			_, body, _ := strings.Cut(text, "</style>")
			require.NotContains(t, body, "{", "a value was not put in: %s", language)
			require.False(t, seen[text])
			seen[text] = true
		}
	}
	w.config.Language = "tlh"
	require.Contains(t, contentOf(t, w, w.small(), "index.html"), `<html lang="en">`)
}

func sheetOf(text func(string) string) *export.Sheet {
	c := export.Contact{Name: text("Acme"), Address: text("privacy@acme.example")}
	return &export.Sheet{
		Controller: c, Officer: c, Rights: c, Authority: c,
		Purposes:   []export.SheetPurpose{{Title: text("delivery"), Basis: text("contract")}},
		Categories: []string{text("orders")},
		Recipients: export.Recipients{List: []export.Recipient{{Name: text("parcel service"), What: text("address"), Country: text("Austria")}}},
		Storage:    []export.StoragePeriod{{Of: text("invoices"), For: text("seven years")}},
		Origins:    export.Origins{List: []export.Origin{{Of: text("score"), From: text("bureau")}}},
		Automated:  export.Automated{List: []export.AutomatedDecision{{What: text("credit"), Logic: text("score"), Consequences: text("prepayment")}}},
		Transfers:  export.Transfers{List: []export.Transfer{{To: text("India"), Safeguard: text("clauses")}}},
	}
}

// Each part of the sheet is filled in, or declared to be missing; else there is no
// archive. What is declared is told.
func TestSheet_NoPartIsLeftOutSilently(t *testing.T) {
	whole := func() *export.Sheet { return sheetOf(func(s string) string { return s }) }
	require.NoError(t, whole().Validate())
	for part, empty := range map[export.SheetPart]func(*export.Sheet){
		export.PartController: func(s *export.Sheet) { s.Controller.Address = "" },
		export.PartPurposes:   func(s *export.Sheet) { s.Purposes[0].Title = "" },
		export.PartCategories: func(s *export.Sheet) { s.Categories = nil },
		export.PartRecipients: func(s *export.Sheet) { s.Recipients.None = true },
		export.PartStorage:    func(s *export.Sheet) { s.Storage[0].For = "" },
		export.PartRights:     func(s *export.Sheet) { s.Rights = export.Contact{} },
		export.PartAuthority:  func(s *export.Sheet) { s.Authority.Name = "" },
		export.PartOrigins:    func(s *export.Sheet) { s.Origins.List = nil },
		export.PartAutomated:  func(s *export.Sheet) { s.Automated.List[0].Logic = "" },
		export.PartTransfers:  func(s *export.Sheet) { s.Transfers.List[0].Safeguard = "" },
	} {
		s := whole()
		empty(s)
		wrong, ok := asSheetError(s.Validate())
		require.True(t, ok, part)
		require.Equal(t, []export.SheetPart{part}, wrong.Parts)

		w := newWorld(t)
		w.config.Sheet = s
		_, err := export.NewWriter(io.Discard, w.config)
		require.ErrorIs(t, err, export.ErrConfig)

		s.Lacks = []export.SheetPart{part}
		require.NoError(t, s.Validate())
		archive := w.write(func(*export.Writer) {})
		a, err := w.open(archive)
		require.NoError(t, err)
		require.Equal(t, export.SheetIncomplete, a.Manifest.Information)
		require.Equal(t, []export.SheetPart{part}, a.Manifest.InformationLacks)
		require.Equal(t, 1, strings.Count(contentOf(t, w, archive, "information.html"), "has not given this information"), part)

		full := whole()
		full.Lacks = []export.SheetPart{part}
		require.Error(t, full.Validate(), "what is there is not missing")
	}
	s := whole()
	s.Lacks = []export.SheetPart{"other"}
	require.Error(t, s.Validate())
}

func TestIndex_TellsThatThereIsNoSheet(t *testing.T) {
	w := newWorld(t)
	archive := w.small()
	require.Contains(t, contentOf(t, w, archive, "index.html"), "No information about how your data is used")
	require.False(t, bytes.Contains(w.zip(archive), []byte("information.html")))
}
