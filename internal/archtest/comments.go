package archtest

import (
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

// Undocumented returns the exported identifiers of the package that have no
// comment, one for each, with its place. Members of a documented group count as
// documented, Error and its like need nothing, and fields and methods of
// interfaces are left to their reader's eye.
func Undocumented(p *Package) ([]string, error) {
	src, err := parse(p)
	if err != nil {
		return nil, err
	}
	var bad []string
	packageDoc := false
	for _, f := range src.files {
		packageDoc = packageDoc || f.Doc != nil
		for _, d := range f.Decls {
			for _, id := range undocumented(d) {
				bad = append(bad, fmt.Sprintf("%s: %s has no comment", src.fset.Position(id.Pos()), id.Name))
			}
		}
	}
	if !packageDoc {
		bad = append(bad, p.Path+" has no package comment")
	}
	return bad, nil
}

func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if exported(d) && d.Doc == nil && !speaksForItself(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Doc == nil || len(d.Specs) == 1 {
			return undocumentedSpecs(d)
		}
	}
	return nil
}

// speaksForItself excuses the methods whose contract package errors states.
func speaksForItself(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{"Error", "Unwrap", "Is", "As"}, f.Name.Name)
}

func undocumentedSpecs(d *ast.GenDecl) (bad []*ast.Ident) {
	for _, s := range d.Specs {
		var doc *ast.CommentGroup
		var names []*ast.Ident
		switch s := s.(type) {
		case *ast.TypeSpec:
			doc, names = either(s.Doc, s.Comment), []*ast.Ident{s.Name}
		case *ast.ValueSpec:
			doc, names = either(s.Doc, s.Comment), s.Names
		}
		if either(d.Doc, doc) != nil {
			continue
		}
		for _, n := range names {
			if n.IsExported() {
				bad = append(bad, n)
			}
		}
	}
	return bad
}

func either(a, b *ast.CommentGroup) *ast.CommentGroup {
	if a != nil {
		return a
	}
	return b
}

// unfinished matches the words that mark work left over. They are spelt in two
// parts so that this file passes.
var unfinished = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"}, "|") + `)\b`)

// Unfinished returns the places of comments that admit unfinished work: what is
// to be done later stands on a page in docs/decisions or in an issue.
func Unfinished(name string, src []byte) []string {
	fset := token.NewFileSet()
	var s scanner.Scanner
	s.Init(fset.AddFile(name, -1, len(src)), src, nil, scanner.ScanComments)
	var bad []string
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return bad
		}
		if word := unfinished.FindString(text); tok == token.COMMENT && word != "" {
			bad = append(bad, fmt.Sprintf("%s: comment says %s", fset.Position(pos), word))
		}
	}
}
