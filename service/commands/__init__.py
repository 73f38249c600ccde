"""The commands of `tallyhook`, by what they are about: each reads its arguments, calls one use case, and shows the answer."""
