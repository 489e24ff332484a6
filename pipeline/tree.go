package pipeline

import (
	"encoding/json"
	"fmt"

	"allocate/returns"
)

// Tree is a result of several parts, each a content of its own, so that a
// later action can depend on one part and not on the others.
type Tree struct {
	Parts    []Part            `json:"parts"`
	Findings []returns.Finding `json:"findings,omitempty"`
	History  ContentID         `json:"history,omitempty"` // of the window of a night: the digest of what it knows
}

// Part is one content of a Tree.
type Part struct {
	Name    string    `json:"name"`
	Content ContentID `json:"content"`
}

func (t Tree) encode() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("pipeline: tree: %w", err)
	}
	return b, nil
}

func decodeTree(b []byte) (Tree, error) {
	var t Tree
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("pipeline: tree: %w", err)
	}
	return t, nil
}
