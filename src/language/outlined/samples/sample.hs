{-# LANGUAGE OverloadedStrings #-}
-- | What a shop sells.
module Shop.Order
  ( Order(..)
  , add
  ) where

import qualified Data.Map as Map
import Data.Maybe (fromMaybe)

-- | One order.
data Order = Order
  { orderName :: String
  , orderLines :: [String]
  } deriving (Show, Eq)

data Suit = Hearts | Spades

newtype Total = Total Int

type Lines = [String]

-- | What can be counted.
class Countable a where
  count :: a -> Int
  count _ = 0

instance Countable Order where
  count order = length (orderLines order)

-- | Adds a line.
add :: String -> Int -> Order -> Order
add "" _ order = order
add line n order
  | n > limit = order
  | otherwise = case n of
      1 -> order
      _ -> if null line then order else order { orderLines = rest }
  where
    rest = line : orderLines order

limit :: Int
limit = 10

(<+>) :: Int -> Int -> Int
a <+> b = a + b

main :: IO ()
main = do
  let order = Order "a" []
  print (count order)
