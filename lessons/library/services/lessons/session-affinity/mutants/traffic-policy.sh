#!/bin/sh
# about: "local" is taken for "always the same one"
# fails: sticky: Nothing about a visitor is remembered
kubectl patch service cart -p '{"spec":{"internalTrafficPolicy":"Local"}}'
