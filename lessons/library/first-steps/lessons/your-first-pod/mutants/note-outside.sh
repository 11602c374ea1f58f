#!/bin/sh
# about: the file is written by the learner's own shell instead of the one in the container
# fails: note: A container has a file system of its own
# answer: port 8080
set -e
kubectl run web --image=drydock/web:1
kubectl wait --for=condition=Ready pod/web --timeout=60s
echo "I was here" > /tmp/note
