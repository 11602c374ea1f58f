// Package distribution carries built packs to and from places: registries, and OCI layouts in folders and archives.
//
// What a place keeps under a tag is the index of the built pack, an OCI image index: its first manifest is the pack, the
// others are images that the pack needs. A registry that takes images takes packs. What comes back from a place is
// written as the one file again, held against its digests there, and is byte for byte what was sent.
package distribution
